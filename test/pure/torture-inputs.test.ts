// A short form of the torture of inputs: some of every kind of malformed or odd picture and model file, through the built program.

import { beforeAll, expect, test } from "vitest";
import { tortureImages, tortureModels } from "../../harness/torture/inputs.ts";
import { buildCli } from "../command-line.ts";

/** Starting Node 25 times takes half a minute on a busy computer. */
const LIMIT_MS = 180_000;

beforeAll(buildCli);

test(
  "25 pictures are read, or refused in one line",
  async () => {
    expect(await tortureImages(25)).toEqual([]);
  },
  LIMIT_MS,
);

test(
  "25 model files are read, or refused in one line",
  async () => {
    expect(await tortureModels(25)).toEqual([]);
  },
  LIMIT_MS,
);
