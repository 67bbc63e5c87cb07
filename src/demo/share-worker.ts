// A thread that runs shares of the denoiser (src/instant/shares.ts) for instant-worker.ts.

import { answerCalls } from "../instant/share-messages.ts";
import { LocalShares } from "../instant/shares.ts";

answerCalls(
  new LocalShares(),
  (listener) => self.addEventListener("message", ({ data }) => listener(data)),
  (answer) => self.postMessage(answer),
);
