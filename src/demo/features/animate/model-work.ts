// The frames of an animation, one after the other.

import { toRgb8 } from "../../../image/planes.ts";
import { animate } from "../../../singan/generation/applications/animation.ts";
import type { SinganSampler } from "../../../singan/generation/singan-sampler.ts";
import { singanModel } from "../../../singan/model/model.ts";
import type { ModelWork } from "../work.ts";

export const animateModel: ModelWork<"animate"> = async (request, { model, withSampler, pass, reply }) => {
  singanModel(model, "animation");
  let sent = 0;
  await withSampler(async (sampler) => {
    let frame = 0;
    for await (const picture of animate(sampler as SinganSampler, request)) {
      // After a loss of the GPU the same frames come again.
      if (frame === sent) reply({ frame: sent++, picture: toRgb8(picture) });
      frame++;
      await pass();
    }
  });
};
