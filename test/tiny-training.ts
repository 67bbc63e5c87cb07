// A training that is small enough for a software adapter, with plain JSON as input and output, for comparing Node with a page.

import { TINY as TORTURED } from "../harness/torture/tiny.ts";
import type { Gpu } from "../src/gpu/device.ts";
import type { Planes } from "../src/image/planes.ts";
import { SinganSampler } from "../src/singan/generation/singan-sampler.ts";
import type { TrainOptions } from "../src/singan/model/config.ts";
import { type AnyModel, type LossRecord, type Model, singanModel } from "../src/singan/model/model.ts";
import { train } from "../src/singan/recipes.ts";

/** Two scales of three iterations each. */
export const TINY: Partial<TrainOptions> = { ...TORTURED, iterations: 3 };

export { tinyPhoto } from "../harness/torture/tiny.ts";

/** Runs a training of the recipe singan to its end. */
export const trainAll = async (gpu: Gpu, photo: Planes, options: Partial<TrainOptions>): Promise<Model> =>
  singanModel(await trainAny(gpu, photo, options), "place in this test");

/** Runs a training of any recipe to its end. */
export async function trainAny(gpu: Gpu, photo: Planes, options: Partial<TrainOptions>): Promise<AnyModel> {
  const training = train(gpu, photo, options);
  for (;;) {
    const step = await training.next();
    if (step.done) return step.value;
  }
}

export interface Fingerprint {
  readonly losses: readonly LossRecord[];
  /** A hash per scale of the bits of all weights, statistics and z*. */
  readonly weights: readonly number[];
  readonly sample: number;
}

export async function fingerprint(gpu: Gpu, trained: AnyModel): Promise<Fingerprint> {
  const model = singanModel(trained, "place in this test");
  const sampler = await SinganSampler.load(gpu, model);
  const sample = await sampler.sample({ seed: 3 });
  await sampler.dispose();
  const scaleHash = ({ generator, discriminator, reconstruction = new Map() }: Model["scales"][number]) =>
    hash([...generator.values(), ...discriminator.values(), ...reconstruction.values(), model.zStar]);
  return { losses: model.scales.map((s) => s.losses), weights: model.scales.map(scaleHash), sample: hash([sample.data]) };
}

/** On hardware, compilers may round products and sums together or apart. Of a loss, relative to 1 and to the loss. */
const LOSS_TOLERANCE = 1e-3;

/** Where a training on another implementation of WebGPU differs: null where it has the bits, or on hardware about the losses. */
export function differenceOf(theirs: Fingerprint, ours: Fingerprint, isSoftware: boolean): string | null {
  const text = `${JSON.stringify(theirs)} instead of ${JSON.stringify(ours)}`;
  if (isSoftware) return JSON.stringify(theirs) === JSON.stringify(ours) ? null : text;
  const [got, want] = [theirs, ours].map(({ losses }) => losses.flatMap((record) => Object.values(record))) as [
    number[],
    number[],
  ];
  const isNear = got.length === want.length && want.every((w, i) => Math.abs(got[i]! - w) <= LOSS_TOLERANCE * (1 + Math.abs(w)));
  return isNear ? null : text;
}

/** FNV-1a over the bits of all values. */
export function hash(arrays: readonly Float32Array[]): number {
  let h = 0x811c9dc5;
  for (const values of arrays) {
    for (const byte of new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
      h = Math.imul(h ^ byte, 0x01000193) >>> 0;
  }
  return h;
}
