// A thread that runs shares of the denoiser (src/instant/shares.ts) for share-threads.ts.

import { parentPort } from "node:worker_threads";
import { answerCalls } from "../instant/share-messages.ts";
import { LocalShares } from "../instant/shares.ts";

answerCalls(
  new LocalShares(),
  (listener) => parentPort!.on("message", listener),
  (answer) => parentPort!.postMessage(answer),
);
