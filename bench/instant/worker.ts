// A thread of `npm run bench:instant` in Node, which compares patches as products of matrices.

import { parentPort } from "node:worker_threads";
import { answerCalls } from "../../src/instant/share-messages.ts";
import { MatrixShares } from "./matrix-shares.ts";

answerCalls(
  new MatrixShares(),
  (listener) => parentPort!.on("message", listener),
  (answer) => parentPort!.postMessage(answer),
);
