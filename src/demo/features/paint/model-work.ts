// Paints with a model, from each start scale.

import { toPlanes, toRgb8 } from "../../../image/planes.ts";
import { paint } from "../../../singan/generation/applications/inject.ts";
import { SinganSampler } from "../../../singan/generation/singan-sampler.ts";
import { OptionError } from "../../../singan/model/config.ts";
import type { ModelWork } from "../work.ts";

export const paintOfModel: ModelWork<"paint"> = async ({ painting, seed, starts }, { withSampler, pass, reply }) => {
  const picture = toPlanes(painting);
  for (const [index, startScale] of starts.entries()) {
    const painted = await withSampler((sampler) => {
      if (!(sampler instanceof SinganSampler)) throw new OptionError("this model can't be painted into");
      return paint(sampler, picture, startScale, { seed });
    });
    reply({ index, picture: toRgb8(painted) });
    await pass();
  }
};
