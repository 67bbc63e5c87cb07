// Damages the newest of a training's two checkpoints: bits flip, the end is lost, a part is zero.

import { createHash } from "node:crypto";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openCheckpoints } from "../../src/singan/recipes.ts";
import type { Checkpoint } from "../../src/singan/training/checkpoint.ts";
import type { Slot } from "../../src/singan/training/checkpoints.ts";
import { inWorkspace, LONGER, Run, requireCode, requireResults, singan, undisturbed } from "./command-line.ts";
import { attempt, type Row, require, seeded } from "./row.ts";

type Slots = readonly [Uint8Array | null, Uint8Array | null];

/** Opens checkpoints; returns the one that is found, and the warnings. */
async function opened(slots: Slots): Promise<{ found: Checkpoint | null; warnings: string[] }> {
  const warnings: string[] = [];
  const store = { read: async (slot: Slot) => slots[slot], write: async () => {}, clear: async () => {} };
  const { found } = await openCheckpoints(store, (why) => warnings.push(why));
  return { found, warnings };
}

/** A hash of a checkpoint's state. */
function hashOf({ state }: Checkpoint): string {
  const hash = createHash("sha256");
  const text = JSON.stringify(state, (_, value) => {
    if (value instanceof Map) return [...value];
    return ArrayBuffer.isView(value) ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") : value;
  });
  return hash.update(text).digest("hex");
}

function damaged(bytes: Uint8Array, random: () => number): { bytes: Uint8Array; what: string } {
  const at = Math.floor(random() * bytes.length);
  const kind = Math.floor(random() * 3);
  if (kind === 0) return { bytes: bytes.slice(0, at), what: `cut at byte ${at}` };
  const copy = bytes.slice();
  if (kind === 1) {
    const bit = Math.floor(random() * 8);
    copy[at]! ^= 1 << bit;
    return { bytes: copy, what: `bit ${bit} of byte ${at} flipped` };
  }
  const end = Math.min(bytes.length, at + 512);
  for (let i = at; i < end; i++) copy[i]! ^= 0xff;
  return { bytes: copy, what: `bytes ${at} to ${end} inverted` };
}

/** Of so many tries, one goes through the command line; the others open the checkpoints only. */
const THROUGH_CLI = 8;

export const torn: Row = {
  name: "the newest checkpoint is torn or flipped",
  count: 50,
  run: (count) =>
    inWorkspace(async (folder) => {
      const { results } = await undisturbed(folder, "whole", LONGER);
      const run = new Run(folder, ...LONGER, "--out", "cut");
      await run.says(/scale 1 of .* done/);
      run.kill("SIGTERM");
      await run.ended;
      const files = [0, 1].map((slot) => join(folder, `cut/checkpoint-${slot}.safetensors`));
      require(files.every((file) => existsSync(file)), "an interrupted training left fewer than two checkpoints");
      const [first, second] = [readFileSync(files[0]!), readFileSync(files[1]!)];
      const hash = async (slots: Slots) => hashOf((await opened(slots)).found!);
      const newest = (await hash([first, second])) === (await hash([first, null])) ? 0 : 1;
      const bytes = [first, second][newest]!;
      const older = await hash(newest === 0 ? [null, second] : [first, null]);
      const failures: string[] = [];
      for (let i = 0; i < count; i++) {
        const { bytes: bad, what } = damaged(bytes, seeded(i));
        const inMemory = async () => {
          const { found, warnings } = await opened(newest === 0 ? [bad, second] : [first, bad]);
          require(warnings.length === 1, `${warnings.length} warnings`);
          require(hashOf(found!) === older, "the state is not the older checkpoint's");
        };
        const throughCli = async () => {
          cpSync(join(folder, "cut"), join(folder, `try ${i}`), { recursive: true });
          writeFileSync(join(folder, `try ${i}`, `checkpoint-${newest}.safetensors`), bad);
          const ended = await singan(folder, ...LONGER, "--out", `try ${i}`);
          requireCode(ended, 0);
          const warnings = ended.err.split("\n").filter((line) => /can't be used, so the other one is /.test(line));
          require(warnings.length === 1, `${warnings.length} warnings`);
          require(/goes on at scale/.test(ended.err), "it began anew");
          requireResults(join(folder, `try ${i}`), results);
        };
        failures.push(...(await attempt(`try ${i}, ${what}`, i % THROUGH_CLI === 0 ? throughCli : inMemory)));
      }
      return failures;
    }),
};
