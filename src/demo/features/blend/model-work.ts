// Blends a changed picture into a model's photo, at one start scale after the other.

import type { Mask } from "../../../image/mask.ts";
import { type Planes, toRgb8 } from "../../../image/planes.ts";
import { blendInto, softMask } from "../../../singan/generation/applications/inject.ts";
import type { SinganSampler } from "../../../singan/generation/singan-sampler.ts";
import { type Model, singanModel } from "../../../singan/model/model.ts";
import type { ModelPlace } from "../work.ts";
import type { BlendRequest } from "./messages.ts";

/** `kind` says how far the mask is widened, `picture` makes the changed picture. Throws OptionError where a model can't do it. */
export async function blendOfModel<K extends "edit" | "harmonize">(
  kind: K,
  { seed, steps }: BlendRequest,
  { model: any, withSampler, pass, reply }: ModelPlace<K>,
  changed: (model: Model) => { readonly picture: Planes; readonly mask: Mask },
): Promise<void> {
  const model = singanModel(any, kind === "edit" ? "editing" : "harmonization");
  const { picture, mask } = changed(model);
  const soft = softMask(model, mask, kind);
  for (const [index, startScale] of steps.entries()) {
    // The sampler of a SinGAN is one of this class.
    const { blended } = await withSampler((sampler) => blendInto(sampler as SinganSampler, picture, soft, startScale, { seed }));
    reply({ index, picture: toRgb8(blended) });
    await pass();
  }
}
