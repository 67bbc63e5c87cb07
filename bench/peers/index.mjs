// The libraries that the benchmark compares with, on the adapter that navigator.gpu returns.

import { openJax } from "./jax.mjs";
import { openTfjs } from "./tfjs.mjs";

export const openPeers = async () => [await openTfjs(), await openJax()];
