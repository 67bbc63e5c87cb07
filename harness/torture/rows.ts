// The rows of `npm run torture`.

import { inChrome } from "./chrome.ts";
import { cleanEnds } from "./clean-ends.ts";
import { deviceLoss } from "./device-loss.ts";
import { tortureImages, tortureModels } from "./inputs.ts";
import { kills } from "./kills.ts";
import { manyModels, soak } from "./memory.ts";
import { nonFinite } from "./non-finite.ts";
import type { Row } from "./row.ts";
import { signals } from "./signals.ts";
import { storage } from "./storage.ts";
import { torn } from "./torn.ts";
import { twoProcesses } from "./two-processes.ts";

/** Its count is minutes. */
export { soak };

/** In the order in which they run: those that measure memory first, while the process is new. */
export const NODE_ROWS: readonly Row[] = [
  ...[soak, manyModels],
  ...[deviceLoss, nonFinite],
  ...[kills, torn, signals, cleanEnds, storage, twoProcesses],
];
const INPUTS: readonly Row[] = [
  { name: "malformed or odd pictures", count: 200, run: tortureImages },
  { name: "damaged model files", count: 200, run: tortureModels },
];
export const ROWS: readonly Row[] = [...NODE_ROWS, ...INPUTS, ...inChrome];
