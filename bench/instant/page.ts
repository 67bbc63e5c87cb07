// Runs in a page and in its workers: times instant pictures in a browser. Arguments and results are plain data.

import type { Planes, Size } from "../../src/image/planes.ts";
import { GpuDenoiser } from "../../src/instant/gpu-denoiser.ts";
import type { OpenDenoiser } from "../../src/instant/instant.ts";
import { ProcessorDenoiser } from "../../src/instant/processor-denoiser.ts";
import { answerCalls, type RemoteShares, sharesOn } from "../../src/instant/share-messages.ts";
import { LocalShares } from "../../src/instant/shares.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { MatrixShares } from "./matrix-shares.ts";
import { type InstantTiming, type Limits, timeInstant, type Way } from "./measure.ts";

export interface PageArguments {
  readonly photo: Size & { readonly data: readonly number[] };
  readonly limits: Limits;
}
export interface PageResults {
  readonly adapter: string;
  readonly browser: string;
  readonly timings: readonly InstantTiming[];
}

const MATRICES = "matrices";

/** The page's workers load this module, too. */
if (typeof document === "undefined")
  answerCalls(
    self.name === MATRICES ? new MatrixShares() : new LocalShares(),
    (listener) => self.addEventListener("message", ({ data }) => listener(data)),
    (answer) => self.postMessage(answer),
  );

function openThreads(name: string): RemoteShares[] {
  const open = () => sharesOn(new Worker("/entry.js", { type: "module", name }));
  return Array.from({ length: navigator.hardwareConcurrency }, open);
}

export async function timeInstantInPage({ photo, limits }: PageArguments): Promise<PageResults> {
  const gpu = await openDevice(await navigator.gpu.requestAdapter());
  const [shifts, matrices] = [openThreads("shifts"), openThreads(MATRICES)];
  const timings: InstantTiming[] = [];
  const ways = new Map<Way, OpenDenoiser>([
    ["shifts, processor", (source) => ProcessorDenoiser.open(source, shifts)],
    ["matrices, processor", (source) => ProcessorDenoiser.open(source, matrices)],
    ["shifts, WebGPU", (source) => GpuDenoiser.open(gpu, source)],
  ]);
  const planes: Planes = { ...photo, data: Float32Array.from(photo.data) };
  await timeInstant(planes, ways, limits, (timing) => timings.push(timing));
  const browser = /(?:Firefox|Chrome)\/[\d.]+/.exec(navigator.userAgent)?.[0].replace("/", " ") ?? "unknown browser";
  return { adapter: gpu.adapterName, browser, timings };
}
