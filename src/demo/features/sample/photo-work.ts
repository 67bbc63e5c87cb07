// Instant pictures of a photo.

import { toRgb8 } from "../../../image/planes.ts";
import { instantPicture } from "../../../instant/instant.ts";
import { instantOptions } from "../../../instant/options.ts";
import type { PhotoWork } from "../work.ts";

export const sampleOfPhoto: PhotoWork<"sample"> = async ({ seeds, from, size, wraps, keep }, { photo, open, pass, reply }) => {
  const freedom = "freedom" in from ? from.freedom : 1;
  const wanted = size ?? { width: photo.width, height: photo.height };
  for (const seed of seeds) {
    const request = {
      ...{ ...instantOptions(photo), wraps, size: wanted, seed },
      start: freedom < 1 ? ({ kind: "picture", picture: photo, freedom } as const) : ({ kind: "noise" } as const),
      ...(keep && { keep: { picture: photo, mask: keep } }),
    };
    reply({ seed, scales: 0, picture: toRgb8(await instantPicture([photo], request, open, pass)) });
  }
};
