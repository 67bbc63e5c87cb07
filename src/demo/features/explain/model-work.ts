// How a model judges and how its pictures grow, for the view "How it works".

import { type Planes, toRgb8 } from "../../../image/planes.ts";
import { imresizeTo } from "../../../image/resample.ts";
import { grow } from "../../../singan/generation/growth.ts";
import { pathTo, samplePath } from "../../../singan/generation/path.ts";
import type { Sampler } from "../../../singan/generation/sampling.ts";
import { SinganSampler } from "../../../singan/generation/singan-sampler.ts";
import { type AnyModel, isConsingan, photoAt, singanModel } from "../../../singan/model/model.ts";
import type { ModelWork } from "../work.ts";
import type { Judged } from "./messages.ts";

/** Noise of this many standard deviations is shown black or white. */
const DEVIATIONS = 3;

export const judgementOfModel: ModelWork<"judge"> = async ({ scale, seed }, { model, withSampler, reply }) => {
  const photo = photoOf(model, scale);
  const [sample, maps] = await withSampler(async (sampler) => {
    const made = await sampleAt(sampler, scale, seed);
    return [made, await sampler.scores(scale, [photo, made])] as const;
  });
  const judged = (picture: Planes, i: number): Judged => ({ picture: toRgb8(picture), scores: maps[i]! });
  reply({ photo: judged(photo, 0), sample: judged(sample, 1) });
};

const photoOf = (model: AnyModel, scale: number): Planes =>
  isConsingan(model) ? imresizeTo(model.photo, model.sizes[scale]!) : photoAt(model, scale);

/** The picture of the seed as it is after this scale. */
const sampleAt = (sampler: Sampler, scale: number, seed: number): Promise<Planes> =>
  sampler instanceof SinganSampler
    ? sampler.render(pathTo(samplePath(sampler.model), scale + 1), { seed })
    : sampler.sample({ seed });

export const growthOfModel: ModelWork<"grow"> = async ({ seed }, { model, withSampler, pass, reply }) => {
  const path = samplePath(singanModel(model, "pictures of single scales"));
  await withSampler(async (sampler) => {
    for await (const { stage, picture, noise, noiseAmp } of grow(sampler as SinganSampler, path, { seed })) {
      const grain = { ...noise!, data: noise!.data.map((z) => z / DEVIATIONS) };
      reply({ scale: stage.scale, picture: toRgb8(picture), noise: toRgb8(grain), strength: noiseAmp });
      await pass();
    }
  });
};
