// A fingerprint of what a training has learnt, for comparing an interrupted training with one that was left alone.

import { createHash } from "node:crypto";
import type { AnyModel } from "../../src/singan/model/model.ts";

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
