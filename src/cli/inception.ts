// Loads the weights for the Fréchet distance from the npm package nsfwjs, if it is installed next to this program.
// It is no dependency, because it takes 42 MB, of which 28,512 weights are needed, for one figure.

import { type Inception, readInception, type WeightsManifest } from "../metrics/inception.ts";

/** The package to install. Its peer dependencies, TensorFlow.js and buffer, are not needed. */
export const INCEPTION_PACKAGE = "nsfwjs@4.3.0";
const MODULE = "nsfwjs/models/inception_v3";

interface Packaged {
  readonly InceptionV3Model: {
    modelJson(): Promise<{ default: WeightsManifest }>;
    /** In base64. The first bundle has the weights that are needed here. */
    readonly weightBundles: readonly (() => Promise<{ default: string }>)[];
  };
}

/** Returns null if the package is not installed. Throws RangeError if it has other weights than expected. */
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
