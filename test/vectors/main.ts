// npm run golden -- DIR: checks every case of a folder of golden vectors. Prints a line per case and then `N passed, N failed`.

import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { goldenFolder } from "./folder.ts";
import { caseNames, describeResult, runCase } from "./run.ts";

async function main(folder: string | undefined): Promise<number> {
  if (!folder) {
    console.error("usage: npm run golden -- DIR    (DIR/index.json lists the cases; test/golden is ours)");
    return 2;
  }
  const read = goldenFolder(folder);
  const names = caseNames(read);
  const gpu = await openDevice(await openAdapter());
  let failed = 0;
  for (const name of names) {
    const result = await runCase(gpu, read, name);
    if (!result.passed) failed++;
    console.log(describeResult(result));
  }
  gpu.dispose();
  console.log(`${names.length - failed} passed, ${failed} failed`);
  return failed > 0 || names.length === 0 ? 1 : 0;
}

process.exit(
  await main(process.argv[2]).catch((error: Error) => {
    console.error(`golden: ${error.message}`);
    return 1;
  }),
);
