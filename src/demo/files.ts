// Has files of several pictures written by a worker.

import type { FileReply, FileRequest } from "./files-worker.ts";
import { openWorker } from "./open-worker.ts";

const TYPES = { gif: "image/gif", apng: "image/png", zip: "application/zip" } as const;

/** The file; null where the signal has ended the work. Rejects with one line. */
export async function makeFile(request: FileRequest, signal?: AbortSignal): Promise<Blob | null> {
  const worker = openWorker(new URL("./files-worker.js", import.meta.url));
  try {
    const reply = await new Promise<FileReply | null>((resolve) => {
      worker.addEventListener("message", ({ data }: MessageEvent<FileReply>) => resolve(data));
      worker.addEventListener("error", () => resolve({ problem: "the code that writes files did not load, or it crashed" }));
      signal?.addEventListener("abort", () => resolve(null));
      worker.postMessage(request);
    });
    if (reply && "problem" in reply) throw new Error(`The file can't be written: ${reply.problem}.`);
    return reply && new Blob([reply.bytes], { type: TYPES[request.kind] });
  } finally {
    worker.terminate();
  }
}
