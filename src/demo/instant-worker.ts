// The worker that makes instant pictures, on the processor: so they need no GPU, and don't disturb a training on it.

import { type Planes, type Rgb8, toPlanes, toRgb8 } from "../image/planes.ts";
import { firstInstant } from "../instant/first.ts";
import { ProcessorDenoiser } from "../instant/processor-denoiser.ts";
import { type RemoteShares, sharesOn } from "../instant/share-messages.ts";
import { INSTANT_WORK } from "./features/instant-work.ts";
import { JobRunner } from "./features/job-runner.ts";
import type { FeatureName, JobMessage, JobReport } from "./features/messages.ts";
import type { PhotoWork } from "./features/work.ts";
import { openWorker } from "./open-worker.ts";

/** More threads gain little, and take memory. */
const MOST_THREADS = 8;

export type InstantMessage =
  /** Takes a photo under an id, reduced to a long side of `maxSize`. A report `photo` follows. */
  | { readonly kind: "photo"; readonly id: string; readonly photo: Rgb8; readonly maxSize: number }
  | { readonly kind: "close"; readonly id: string }
  /** Whether the work rests until further notice. */
  | { readonly kind: "hold"; readonly isHeld: boolean }
  | JobMessage;
export type InstantReport =
  /** The photo as it is used; or why it can't be. */
  | { readonly kind: "photo"; readonly id: string; readonly photo: Rgb8 }
  | { readonly kind: "refused"; readonly id: string; readonly problem: string }
  | JobReport;

const photos = new Map<string, Planes>();
let runners: readonly RemoteShares[] = [];
/** While the work is held: ends when it may go on. */
let held: { readonly ended: Promise<void>; end(): void } | null = null;

const post = (report: InstantReport): void => self.postMessage(report);

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

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function take({ id, photo, maxSize }: InstantMessage & { kind: "photo" }): void {
  try {
    const { photo: small } = firstInstant(toPlanes(photo), maxSize);
    photos.set(id, small);
    post({ kind: "photo", id, photo: toRgb8(small) });
  } catch (error) {
    post({ kind: "refused", id, problem: messageOf(error) });
  }
}

const jobs = new JobRunner(
  async ({ source, feature, request }, { reply, pass }) => {
    const photo = photos.get(source);
    const work = INSTANT_WORK[feature] as PhotoWork<FeatureName> | undefined;
    if (!photo || !work) throw new Error("this needs a model");
    if (runners.length === 0) runners = openThreads();
    const passWhenFree = async (): Promise<void> => {
      while (held) await held.ended;
      await pass();
    };
    await work(request, { photo, reply, pass: passWhenFree, open: (patches) => ProcessorDenoiser.open(patches, runners) });
  },
  post,
  messageOf,
);

self.addEventListener("message", ({ data }: MessageEvent<InstantMessage>) => {
  if (data.kind === "photo") take(data);
  else if (data.kind === "close") photos.delete(data.id);
  else if (data.kind === "hold") hold(data.isHeld);
  else jobs.receive(data);
});
