// The weights for the Fréchet distance, from the npm package nsfwjs where it is installed beside this program.
// 42 MB for 28,512 weights: too much to depend on for one figure.

import { type Inception, readInception, type WeightsManifest } from "../metrics/inception.ts";

/** What to install for it; the peers, TensorFlow.js and buffer, are not needed. */
export const INCEPTION_PACKAGE = "nsfwjs@4.3.0";
const MODULE = "nsfwjs/models/inception_v3";

interface Packaged {
  readonly InceptionV3Model: {
    modelJson(): Promise<{ default: WeightsManifest }>;
    /** base64; the first holds the weights that are read here. */
    readonly weightBundles: readonly (() => Promise<{ default: string }>)[];
  };
}

/** Null where the package is not installed.  Throws RangeError where it holds other weights than expected. */
export async function loadInception(
  importing: (name: string) => Promise<unknown> = (name) => import(/* @vite-ignore */ name),
): Promise<Inception | null> {
  let packaged: Packaged;
  try {
    packaged = (await importing(MODULE)) as Packaged;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return null;
    throw error;
  }
  const { modelJson, weightBundles } = packaged.InceptionV3Model;
  const { default: manifest } = await modelJson();
  const { default: bytes } = await weightBundles[0]!();
  return readInception(manifest, Buffer.from(bytes, "base64"));
}
