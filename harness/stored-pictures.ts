// npm run stored-pictures: makes the pictures that the page shows before its scripts run, from its first shipped model: the photo, and one picture
// for each of the seeds 0 … 7, as the page then makes them itself. Writes WebP files into src/demo/stored, and card.jpg: all of them in one picture,
// which other sites show beside a link to the page.

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

/** Of the card: the size that most sites show, and what lies between two of its pictures. */
const CARD = { width: 1200, height: 630 };
const GAP = 6;

const opened = (planes: Planes) => {
  const { width, height, data } = toRgb8(planes);
  return sharp(data, { raw: { width, height, channels: 3 } });
};

async function write(name: string, planes: Planes): Promise<void> {
  writeFileSync(join(FOLDER, `${name}.webp`), await opened(planes).webp({ quality: 88 }).toBuffer());
}

/** Three rows of three, with the photo, which has a frame, in the middle. */
async function writeCard(photo: Planes, pictures: readonly Planes[]): Promise<void> {
  const width = Math.floor((CARD.width - 4 * GAP) / 3);
  const height = Math.min(Math.floor((CARD.height - 4 * GAP) / 3), Math.round((width * photo.height) / photo.width));
  const top = Math.floor((CARD.height - 3 * height - 2 * GAP) / 2);
  const nine = [...pictures.slice(0, 4), photo, ...pictures.slice(4)];
  const tiles = nine.map(async (planes, i) => ({
    input: await opened(planes).resize(width, height, { kernel: "cubic", fit: "cover" }).png().toBuffer(),
    left: GAP + (i % 3) * (width + GAP),
    top: top + Math.floor(i / 3) * (height + GAP),
  }));
  const frame = sharp({ create: { width: width + 2 * GAP, height: height + 2 * GAP, channels: 3, background: "white" } }).png();
  const behind = { input: await frame.toBuffer(), left: width + GAP, top: top + height };
  const card = sharp({ create: { ...CARD, channels: 3, background: "#17181c" } }).composite([
    behind,
    ...(await Promise.all(tiles)),
  ]);
  writeFileSync(join(FOLDER, "card.jpg"), await card.jpeg({ quality: 86, mozjpeg: true }).toBuffer());
}

const model = readModel(readFileSync(MODEL));
const gpu = await openDevice(await openAdapter());
const sampler = await openSampler(gpu, model);
rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });
await write("photo", model.photo);
const pictures: Planes[] = [];
for (let seed = 0; seed < COUNT; seed++) pictures.push(await sampler.sample({ seed }));
for (const [seed, picture] of pictures.entries()) await write(String(seed), picture);
await writeCard(model.photo, pictures);
await sampler.dispose();
gpu.dispose();
