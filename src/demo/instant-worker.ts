// The worker that makes instant pictures, on the processor: so they need no GPU, and don't disturb a training on it.

import { type Rgb8, toPlanes, toRgb8 } from "../image/planes.ts";
import { FIRST_COUNT, firstInstant } from "../instant/first.ts";
import { instantPicture } from "../instant/instant.ts";
import { ProcessorDenoiser } from "../instant/processor-denoiser.ts";
import { type RemoteShares, sharesOn } from "../instant/share-messages.ts";
import { openWorker } from "./open-worker.ts";

/** Long side, px. */
const MAX_SIZE = 96;
/** More threads gain little, and take memory. */
const MOST_THREADS = 8;

/** Asks for pictures of a photo, from this seed on. A later request replaces one that is not done. */
export interface InstantRequest {
  readonly id: number;
  readonly photo: Rgb8;
  readonly seed: number;
}
/** Or: the work rests until further notice. */
export type InstantMessage = InstantRequest | { readonly isHeld: boolean };
export type InstantReport = { readonly id: number } & (
  | { readonly seed: number; readonly picture: Rgb8 }
  /** Why there are none. */
  | { readonly problem: string }
);

let latest = 0;
let queue: Promise<void> = Promise.resolve();
let runners: readonly RemoteShares[] = [];
/** While the work is held: ends when it may go on. */
let held: { readonly ended: Promise<void>; end(): void } | null = null;

function hold(isHeld: boolean): void {
  held?.end();
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  held = isHeld ? { ended, end } : null;
}

function openThreads(): RemoteShares[] {
  const count = Math.min(MOST_THREADS, navigator.hardwareConcurrency);
  return Array.from({ length: count }, () => sharesOn(openWorker(new URL("./share-worker.js", import.meta.url))));
}

class Replaced extends Error {}

async function make({ id, photo, seed }: InstantRequest): Promise<void> {
  const post = (report: InstantReport): void => self.postMessage(report);
  try {
    const small = firstInstant(toPlanes(photo), MAX_SIZE);
    if (runners.length === 0) runners = openThreads();
    for (let i = 0; i < FIRST_COUNT; i++) {
      const { width, height } = small.photo;
      const request = {
        ...small.options,
        size: { width, height },
        seed: (seed + i) % 2 ** 32,
        start: { kind: "noise" } as const,
      };
      const picture = await instantPicture(
        [small.photo],
        request,
        (source) => ProcessorDenoiser.open(source, runners),
        async () => {
          while (held) await held.ended;
          if (id !== latest) throw new Replaced();
        },
      );
      post({ id, seed: request.seed, picture: toRgb8(picture) });
    }
  } catch (error) {
    if (!(error instanceof Replaced)) post({ id, problem: error instanceof Error ? error.message : String(error) });
  }
}

self.addEventListener("message", ({ data }: MessageEvent<InstantMessage>) => {
  if ("isHeld" in data) return hold(data.isHeld);
  latest = data.id;
  queue = queue.then(() => (data.id === latest ? make(data) : undefined));
});
