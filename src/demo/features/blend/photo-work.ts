// Blends a changed picture into a photo without a model: what was changed is made anew of the photo's patches, as freely as each step says.

import { type Mask, soften } from "../../../image/mask.ts";
import { type Planes, toRgb8 } from "../../../image/planes.ts";
import { instantPicture } from "../../../instant/instant.ts";
import { instantOptions } from "../../../instant/options.ts";
import { DILATION } from "../../../singan/generation/applications/inject.ts";
import type { PhotoPlace } from "../work.ts";
import type { BlendRequest } from "./messages.ts";

/** `picture` and `mask` are those of blendOfModel(). Outside the soft mask every pixel stays as in the photo. */
export async function blendOfPhoto<K extends "edit" | "harmonize">(
  kind: K,
  { seed, steps }: BlendRequest,
  { photo, open, pass, reply }: PhotoPlace<K>,
  picture: Planes,
  mask: Mask,
): Promise<void> {
  const soft = soften(mask, DILATION[kind]);
  const keep = { picture: photo, mask: { ...soft, data: soft.data.map((v) => Number(v === 0)) } };
  const { width, height } = photo;
  for (const [index, freedom] of steps.entries()) {
    const start = { kind: "picture", picture, freedom } as const;
    const request = { ...instantOptions(photo), size: { width, height }, seed, start, keep };
    reply({ index, picture: toRgb8(await instantPicture([photo], request, open, pass)) });
  }
}
