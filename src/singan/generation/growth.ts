// How a picture of a SinGAN grows, coarse to fine: what it is after each stage of its path, and the noise that the stage has added.

import { normals } from "../../autodiff/philox.ts";
import { crop, isSameSize, type Planes } from "../../image/planes.ts";
import type { Model } from "../model/model.ts";
import { noiseSize } from "../model/shapes.ts";
import { PURPOSE, randomKey } from "../networks/noise.ts";
import { type Path, pathTo, type Stage } from "./path.ts";
import type { RenderOptions, SinganSampler } from "./singan-sampler.ts";

export interface Growth {
  readonly stage: Stage;
  /** After the stage. */
  readonly picture: Planes;
  /** What the stage has drawn, N(0,1), without the padding that it may have; null where its noise is not random. */
  readonly noise: Planes | null;
  /** The noise is multiplied by it. */
  readonly noiseAmp: number;
}

/** The stages of a path one after the other; the last one's picture has the bits of `sampler.render(path, options)`. Throws as render(). */
export async function* grow(
  sampler: SinganSampler,
  path: Path,
  options: Pick<RenderOptions, "seed" | "index">,
): AsyncGenerator<Growth> {
  const { model } = sampler;
  for (const [i, stage] of path.stages.entries()) {
    const picture = await sampler.render(pathTo(path, i + 1), options);
    const noise = stage.noise === "random" ? drawnNoise(model, stage, i, options) : null;
    yield { stage, picture, noise, noiseAmp: model.scales[stage.scale]!.noiseAmp };
  }
}

/** The noise of stage `i` of a path that does not wrap: the GPU draws the same, to f32 rounding. */
function drawnNoise(model: Model, stage: Stage, i: number, { seed, index = 0 }: Pick<RenderOptions, "seed" | "index">): Planes {
  const whole = noiseSize(stage.size, model.options);
  const area = whole.width * whole.height;
  const { imageChannels } = model.options;
  const drawn = normals(randomKey(seed, PURPOSE.sample, 0, index), i, (stage.grey ? 1 : imageChannels) * area);
  const planes = { ...whole, data: Float32Array.from({ length: imageChannels * area }, (_, at) => drawn[at % drawn.length]!) };
  if (isSameSize(whole, stage.size)) return planes;
  const margin = (whole.width - stage.size.width) / 2;
  return crop(planes, margin, margin, stage.size.width, stage.size.height);
}
