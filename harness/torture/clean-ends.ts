// Runs many short commands that open the GPU, to see whether the process ends without a crash, in success and in failure.

import { inWorkspace, requireCode, singan, TRAININGS, undisturbed, words } from "./command-line.ts";
import { attempt, inPairs, type Row } from "./row.ts";

/** Commands, and the exit codes that they end with. All but the last open the GPU. */
const COMMANDS: readonly (readonly [command: string, code: number])[] = [
  ["sample MODEL --count 1", 0],
  ["sample MODEL --size 50x40 --count 2", 0],
  ["sample SR --count 1 --start-scale 1", 0],
  ["train p.png none.png --max-size 25 --iterations 1 --channels 4 --samples 0", 1],
  ["paint MODEL p.png --start-scale 1", 0],
  ["train none.png p.png --recipe consingan --max-size 25 --stages 1 --iterations 1 --channels 4 --samples 0", 1],
  ["harmonize MODEL p.png --start-scale 1 --mask p.png", 0],
  ["animate MODEL --frames 2", 0],
  ["sr SR --factor 2", 0],
  ["sample MODEL --count 2 --start-scale 99", 2],
];

export const cleanEnds: Row = {
  name: "short commands end cleanly, well or with an error",
  count: 200,
  run: (count) =>
    inWorkspace(async (folder) => {
      await undisturbed(folder, "MODEL", TRAININGS.singan);
      await undisturbed(folder, "SR", TRAININGS.sr);
      return inPairs(count, (i) => {
        const [command, code] = COMMANDS[i % COMMANDS.length]!;
        return attempt(`try ${i}, singan ${command}`, async () =>
          requireCode(await singan(folder, ...words(command), "--out", `try ${i}`), code),
        );
      });
    }),
};
