// npm run stored-pictures: makes the pictures that the page shows before its scripts run, from its first shipped model: the photo, and one picture
// for each of the seeds 0 … 7, as the page then makes them itself. Writes WebP files into src/demo/stored.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { type Planes, toRgb8 } from "../src/image/planes.ts";
import { openAdapter } from "../src/node/adapter.ts";
import { openDevice } from "../src/runtime/open.ts";
import { openSampler, readModel } from "../src/singan/recipes.ts";

const FOLDER = "src/demo/stored";
const COUNT = 8;
/** The page's first model: src/demo/shipped.ts. */
const MODEL = "models/clouds.safetensors";

async function write(name: string, planes: Planes): Promise<void> {
  const { width, height, data } = toRgb8(planes);
  const webp = await sharp(data, { raw: { width, height, channels: 3 } })
    .webp({ quality: 88 })
    .toBuffer();
  writeFileSync(join(FOLDER, `${name}.webp`), webp);
}

const model = readModel(readFileSync(MODEL));
const gpu = await openDevice(await openAdapter());
const sampler = await openSampler(gpu, model);
rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });
await write("photo", model.photo);
for (let seed = 0; seed < COUNT; seed++) await write(String(seed), await sampler.sample({ seed }));
await sampler.dispose();
gpu.dispose();
