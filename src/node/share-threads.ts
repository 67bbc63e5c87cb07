// Threads that compute instant pictures on the processor: one per core.

import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { RemoteShares } from "../instant/share-messages.ts";
import { LocalShares, type ShareRunner } from "../instant/shares.ts";

export interface ShareThreads {
  readonly runners: readonly ShareRunner[];
  close(): void;
}

/** The worker's bundle: beside this one, or above it where this is a chunk. */
const worker = ["./share-worker.js", "../share-worker.js"]
  .map((path) => new URL(path, import.meta.url))
  .find((url) => existsSync(url));

/** Starts a thread per core. Where the worker is not built, as in tests, this thread does the work. */
export function openShareThreads(count = availableParallelism(), file = worker): ShareThreads {
  if (!file) return { runners: [new LocalShares()], close() {} };
  const threads = Array.from({ length: count }, () => new Worker(file));
  const runners = threads.map((thread) => {
    const runner = new RemoteShares((call) => thread.postMessage(call));
    thread.on("message", (answer) => runner.receive(answer));
    thread.on("error", (error) => runner.fail(error as Error));
    return runner;
  });
  return { runners, close: () => threads.forEach((thread) => void thread.terminate()) };
}
