// Paints with the patches of a photo: instant pictures that begin with the painting.

import { toPlanes, toRgb8 } from "../../../image/planes.ts";
import { instantPicture } from "../../../instant/instant.ts";
import { instantOptions } from "../../../instant/options.ts";
import type { PhotoWork } from "../work.ts";

export const paintOfPhoto: PhotoWork<"paint"> = async ({ painting, seed, starts }, { photo, open, pass, reply }) => {
  const picture = toPlanes(painting);
  const { width, height } = picture;
  for (const [index, freedom] of starts.entries()) {
    const start = { kind: "picture", picture, freedom } as const;
    const request = { ...instantOptions(photo), size: { width, height }, seed, start };
    reply({ index, picture: toRgb8(await instantPicture([photo], request, open, pass)) });
  }
};
