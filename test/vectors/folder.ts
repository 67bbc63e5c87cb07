// A folder of golden vectors in Node. A page has no folders: it reads the same files over HTTP (test/naga/suite.page.ts).

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { INDEX, type ReadGolden } from "./case.ts";

/** Reads the files of a folder. Throws one line if it has no index. */
export function goldenFolder(folder: string): ReadGolden {
  if (!existsSync(join(folder, INDEX))) throw new Error(`${folder} has no ${INDEX}: not a folder of golden vectors`);
  return (file) => readFileSync(join(folder, file));
}
