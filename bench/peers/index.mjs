// The libraries that the benchmark compares with, started on the adapter that navigator.gpu hands out.

import { openJax } from "./jax.mjs";
import { openTfjs } from "./tfjs.mjs";

export const openPeers = async () => [await openTfjs(), await openJax()];
