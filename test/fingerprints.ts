// npm run fingerprints: prints the SHA-256 of the bits of tiny trainings and of the pictures that their models make, a line per result.
// If two versions of the program print the same lines on one driver, they compute the same. Run it with SINGAN_TUNE=off.

import { createHash } from "node:crypto";
import { maskOfDifference } from "../src/image/mask.ts";
import { openAdapter } from "../src/node/adapter.ts";
import { openDevice } from "../src/runtime/open.ts";
import { animate } from "../src/singan/generation/applications/animation.ts";
import { blendInto, composite, paint, photoOf, softMask } from "../src/singan/generation/applications/inject.ts";
import { srOptions, srPath } from "../src/singan/generation/applications/super-resolution.ts";
import { photoPath, quantizedPath, samplePath } from "../src/singan/generation/path.ts";
import { SinganSampler } from "../src/singan/generation/singan-sampler.ts";
import type { TrainOptions } from "../src/singan/model/config.ts";
import type { AnyModel, Model } from "../src/singan/model/model.ts";
import { paletteOf, quantized } from "../src/singan/model/palette.ts";
import { openSampler, retrain, train, writeModel } from "../src/singan/recipes.ts";
import { TINY, tinyPhoto } from "./tiny-training.ts";

const gpu = await openDevice(await openAdapter());
const sha = (parts: readonly ArrayBufferView[]): string => {
  const digest = createHash("sha256");
  for (const part of parts) digest.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  return digest.digest("hex");
};
const tell = (name: string, ...parts: readonly ArrayBufferView[]): void => console.log(`${sha(parts)}  ${name}`);

/** Everything in a model except the time that its training took. */
function tensorsOf(model: AnyModel): ArrayBufferView[] {
  const still = { ...model, scales: model.scales.map((scale) => ({ ...scale, seconds: 0 })) } as AnyModel;
  return [writeModel(still)];
}

async function trained(name: string, options: Partial<TrainOptions>): Promise<AnyModel> {
  const training = train(gpu, tinyPhoto(), options);
  for (;;) {
    const step = await training.next();
    if (step.done) {
      tell(`train ${name}`, ...tensorsOf(step.value));
      return step.value;
    }
    const { value } = step;
    if (value.kind === "scaleDone")
      tell(`  preview ${name} ${value.scale}`, value.preview.sample.data, value.preview.reconstruction.data);
  }
}

const usual = (await trained("usual", TINY)) as Model;
const alternatives: Readonly<Record<string, Partial<TrainOptions>>> = {
  "z* fixed": { zStar: "fixed" },
  "g step replay": { gStep: "replay" },
  "upsample bilinear": { upsample: "bilinear" },
  "statistics running": { statistics: "running" },
  "noise padding": { noisePadding: true },
  "noise padding, z* fixed, replay, running": { noisePadding: true, zStar: "fixed", gStep: "replay", statistics: "running" },
  "1 D step, 2 G steps": { dSteps: 1, gSteps: 2 },
  "one scale": { maxSize: 16, minSize: 12 },
  wide: { channels: 4, maxChannels: 8, maxSize: 31, minSize: 12, scaleFactor: 0.8 },
  "32 channels": { channels: 32, maxChannels: 32, iterations: 2 },
  "learning rate drops": { iterations: 5, lrDropAt: 0.5 },
};
for (const [name, options] of Object.entries(alternatives)) await trained(name, { ...TINY, ...options });
const sr = (await trained("sr", { ...TINY, ...srOptions(2), minSize: 16, noisePadding: true })) as Model;
const consingan = {
  recipe: "consingan" as const,
  maxSize: 24,
  minSize: 12,
  stages: 3,
  trainedStages: 2,
  iterations: 3,
  channels: 4,
  seed: 5,
};
const growing = await trained("consingan", consingan);
await trained("consingan lr scale", { ...consingan, lrScale: 0.5 });
await trained("consingan steps", { ...consingan, dSteps: 1, gSteps: 2, trainedStages: 1 });

const WIDE = { width: 61, height: 33 };
/** A limit that makes tiles of 16 px for models with 4 channels. */
const TILE_BYTES = 4 * 4 * (16 + 8) ** 2;
const seed = { seed: 9 };
for (const [name, model] of [
  ["usual", usual],
  ["sr", sr],
  ["consingan", growing],
] as const) {
  const sampler = await openSampler(gpu, model);
  tell(`sample ${name}`, (await sampler.sample({ seed: 3 })).data, (await sampler.sample({ seed: 3, index: 1 })).data);
  tell(`sample from scale 1 ${name}`, (await sampler.sample({ seed: 3, startScale: 1 })).data);
  tell(`sample of another size ${name}`, (await sampler.sample({ seed: 3, size: WIDE })).data);
  tell(`reconstruction ${name}`, (await sampler.reconstruction()).data);
  await sampler.dispose();
}
for (const [name, model] of [
  ["usual", usual],
  ["sr", sr],
] as const) {
  const sampler = await SinganSampler.load(gpu, model);
  const tiled = await SinganSampler.load(gpu, model, TILE_BYTES);
  const path = samplePath(model, { size: WIDE });
  tell(`tiles ${name}`, (await tiled.render(path, seed)).data);
  tell(`the same whole ${name}`, (await sampler.render(path, seed)).data);
  tell(`from the photo ${name}`, (await tiled.render(photoPath(model, { size: WIDE, startScale: 1 }), seed)).data);
  for (const loop of [false, true]) {
    const frames: Float32Array[] = [];
    for await (const { data } of animate(sampler, { frames: 3, seed: 2, loop })) frames.push(data);
    tell(`animation${loop ? ", a loop" : ""} ${name}`, ...frames);
  }
  tell(`enlarged ${name}`, (await sampler.render(srPath(model, 2), { seed: 1 })).data);
  const photo = photoOf(model);
  const { width, height } = photo;
  const isInside = (i: number) => i % width > width - 7 && Math.floor(i / width) % height > height - 6;
  const picture = { ...photo, data: photo.data.map((v, i) => (isInside(i) ? 0.9 : v)) };
  const mask = softMask(model, maskOfDifference(picture, photo), "harmonize");
  const { whole, blended } = await blendInto(sampler, picture, mask, 1, seed);
  tell(`painted ${name}`, (await paint(sampler, tinyPhoto(50, 30), 1, seed)).data);
  tell(`harmonized ${name}`, whole.data, blended.data);
  const alpha = { width: 31, height: 24, data: Float32Array.from({ length: 31 * 24 }, (_, p) => Number(p % 31 > 20)) };
  tell(`composite ${name}`, composite(model, tinyPhoto(), alpha).data);
  await sampler.dispose();
  await tiled.dispose();
}
const palette = paletteOf(photoOf(usual), Uint32Array.of(1, 2, 3, 4));
tell("palette", palette);
const retraining = retrain(gpu, { model: usual, scale: 1, palette });
let step = await retraining.next();
while (!step.done) step = await retraining.next();
tell("retrained", ...tensorsOf(step.value));
const sampler = await SinganSampler.load(gpu, step.value);
tell(
  "painted by the retrained scale",
  (await sampler.render(quantizedPath(step.value, quantized(tinyPhoto(50, 30), palette), 1), seed)).data,
);
await sampler.dispose();
gpu.dispose();
process.exit(0);
