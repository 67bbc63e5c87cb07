// Enlarges the photo of a model, without the model and with it.

import { toRgb8 } from "../../../image/planes.ts";
import { imresizeTo } from "../../../image/resample.ts";
import { srPath, srSize } from "../../../singan/generation/applications/super-resolution.ts";
import type { SinganSampler } from "../../../singan/generation/singan-sampler.ts";
import { singanModel } from "../../../singan/model/model.ts";
import type { ModelWork } from "../work.ts";

export const enlargeByModel: ModelWork<"enlarge"> = async ({ factor, seed, noise }, { model, withSampler, pass, reply }) => {
  const path = srPath(singanModel(model, "enlargement"), factor);
  const before = imresizeTo(model.photo, srSize(model.photo, factor));
  reply({ kind: "before", picture: toRgb8(before) });
  await pass();
  // A large picture takes long and is made in parts: between two of them the work can end.
  let ended: unknown = null;
  const progress = (share: number): void => {
    if (ended) throw ended;
    reply({ kind: "share", share });
    pass().catch((error: unknown) => {
      ended = error;
    });
  };
  const after = await withSampler((sampler) => (sampler as SinganSampler).render(path, { seed, noise }, progress));
  reply({ kind: "after", picture: toRgb8(after) });
};
