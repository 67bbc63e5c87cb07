// A training of a second.

import type { Planes } from "../../src/image/planes.ts";
import type { TrainOptions } from "../../src/singan/model/config.ts";

export const TINY: Partial<TrainOptions> = {
  ...{ maxSize: 24, minSize: 16, scaleFactor: 0.6, iterations: 6, channels: 4, maxChannels: 4, seed: 5 },
};

/** A smooth picture with an edge, 31x24. */
export function tinyPhoto(width = 31, height = 24): Planes {
  const data = Float32Array.from({ length: 3 * width * height }, (_, at) => {
    const [c, y, x] = [Math.floor(at / (width * height)), Math.floor(at / width) % height, at % width];
    return 0.6 * Math.sin(0.31 * x + c) * Math.cos(0.23 * y - c) + (x > y ? 0.2 : -0.2);
  });
  return { width, height, data };
}
