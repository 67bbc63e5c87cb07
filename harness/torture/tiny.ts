// A training of a second, and a fingerprint of what it learns, for comparing an interrupted training with one that was left alone.

import { createHash } from "node:crypto";
import type { Planes } from "../../src/image/planes.ts";
import type { TrainOptions } from "../../src/singan/model/config.ts";
import type { AnyModel } from "../../src/singan/model/model.ts";

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

/** SHA-256 of the bits of everything that a model has learnt; times are left out. */
export function fingerprintOf(model: AnyModel): string {
  const hash = createHash("sha256");
  const add = (values: Float32Array) => hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  const nets = "zStar" in model ? model.scales : [model];
  for (const { generator, discriminator } of nets)
    for (const values of [...generator.values(), ...discriminator.values()]) add(values);
  if ("zStar" in model) add(model.zStar);
  hash.update(JSON.stringify(model.scales.map(({ noiseAmp, losses }) => [noiseAmp, losses])));
  return hash.digest("hex");
}
