// The worker: owns the GPU, trains, samples and writes the model file, so that the page stays free. The library does the work.

import { type Gpu, GpuError } from "../gpu/device.ts";
import { type Rgb8, toPlanes, toRgb8 } from "../image/planes.ts";
import { openDevice } from "../runtime/open.ts";
import { Tuner } from "../runtime/tuner.ts";
import { OptionError, type Size } from "../singan/model/config.ts";
import type { AnyModel, Preview } from "../singan/model/model.ts";
import { PyramidError } from "../singan/model/pyramid.ts";
import { openSampler, planTraining, selfTest, train, tuneTraining, writeModel } from "../singan/recipes.ts";
import { Eta } from "../singan/training/eta.ts";
import { MemoryError, type TrainingPlan } from "../singan/training/plan.ts";
import type { Speed } from "../singan/training/presets.ts";
import type { TrainEvent } from "../singan/training/train.ts";
import type { FormOptions, Pictures, PresetChoice, Problem, Report, Request } from "./protocol.ts";
import { tuningDatabase } from "./tuning-database.ts";

/** Previews take about this share of the time. */
const PREVIEW_SHARE = 0.2;
/** Shortest and longest pause between two previews. */
const PREVIEW_MS = [400, 5000] as const;

type Start = Request & { readonly kind: "start" };

class NoGpu extends Error {
  constructor(readonly problem: Problem) {
    super(problem);
  }
}

let opened: Promise<Gpu> | null = null;
/** The measured speed of the opened GPU. */
let speed: Speed | null = null;
/** The finished scales of the last training. */
let model: AnyModel | null = null;
let loaded: { readonly model: AnyModel; readonly sampler: Awaited<ReturnType<typeof openSampler>> } | null = null;
let training: Training | null = null;
/** Samples and model files are made one after the other. */
let queue: Promise<void> = Promise.resolve();

const isPicture = (value: unknown): value is Rgb8 => typeof value === "object" && value !== null && "data" in value;

function post(report: Report): void {
  const buffers = report.kind === "model" ? [report.bytes.buffer] : Object.values(report).filter(isPicture).map(bufferOf);
  self.postMessage(report, { transfer: buffers });
}
const bufferOf = ({ data }: Rgb8): ArrayBuffer => data.buffer as ArrayBuffer;

function gpu(): Promise<Gpu> {
  opened ??= openGpu();
  return opened;
}

async function openGpu(): Promise<Gpu> {
  if (!isSecureContext) throw new NoGpu("insecure");
  if (!navigator.gpu) throw new NoGpu("missing");
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new NoGpu("refused");
  const device = await openDevice(adapter);
  // While nothing runs, a lost device is replaced when it is next needed; a training notices the loss itself.
  void device.device.lost.then(() => training ?? forgetGpu());
  post({ kind: "gpu", name: device.adapterName, isSoftware: device.isSoftware });
  return device;
}

/** Closes the GPU; the next call of gpu() opens it again. */
function forgetGpu(): void {
  void opened?.then((device) => device.dispose()).catch(() => {});
  opened = null;
  speed = null;
  loaded = null;
}

/** Reports an error to the page, and closes the GPU, whose state is unknown then, unless a training still uses it. */
function fail(error: unknown): void {
  const detail = error instanceof Error ? error.message : String(error);
  const isLost = error instanceof GpuError && detail.includes("device was lost");
  post({ kind: "problem", problem: error instanceof NoGpu ? error.problem : isLost ? "lost" : "failed", detail });
  if (!training && ![OptionError, PyramidError, MemoryError].some((kind) => error instanceof kind)) forgetGpu();
}

/** The plan of a training: the same as the command line's for this photo and these options. */
async function plan(photo: Size, preset: PresetChoice, options: FormOptions): Promise<TrainingPlan> {
  const wanted = { preset: preset === "auto" ? undefined : preset, options };
  const planned = await planTraining(await gpu(), photo, wanted, { speed, onTiming: () => post({ kind: "timing" }) });
  speed = planned.speed;
  return planned;
}

/** Finds the fastest kernels for a plan, once per computer; not on software adapters, where tuning takes longer than it saves. */
async function tuneFor(device: Gpu, plan: TrainingPlan): Promise<void> {
  const tuner = await Tuner.open(device, tuningDatabase);
  if (!device.isSoftware) await tuneTraining(device, tuner, plan);
}

/** One training, from the start message to its end. */
class Training {
  #gate: Promise<void> = Promise.resolve();
  #open = (): void => {};
  #isStopped = false;
  #pausedMs = 0;
  #nextPreview = 0;

  pause(): void {
    this.resume();
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  resume(): void {
    this.#open();
  }

  stop(): void {
    this.#isStopped = true;
    this.resume();
  }

  /** Whether all scales were trained. */
  async run({ photo: picture, preset, options: given }: Start): Promise<boolean> {
    const photo = toPlanes(picture);
    const size = { width: picture.width, height: picture.height };
    const chosen = await plan(size, preset, given);
    await this.#pass();
    if (this.#isStopped) return false;
    const { preset: name, isPicked, options, pyramid, forecastSeconds } = chosen;
    const { sizes } = pyramid;
    post({ kind: "plan", preset: name, isPicked, options, sizes, forecastSeconds });
    model = null;
    await tuneFor(await gpu(), chosen);
    const faults = await selfTest(await gpu(), chosen);
    if (faults.length > 0) post({ kind: "faults", detail: faults.join("; ") });
    const eta = new Eta(
      sizes.length,
      options.iterations,
      forecastSeconds === null ? null : 1000 * forecastSeconds,
      () => performance.now() - this.#pausedMs,
    );
    for await (const event of train(await gpu(), photo, options)) {
      await this.#tell(event, eta);
      await this.#pass();
      if (this.#isStopped) break;
    }
    return (model as AnyModel | null)?.scales.length === sizes.length;
  }

  /** Waits while paused. */
  async #pass(): Promise<void> {
    const before = performance.now();
    await this.#gate;
    this.#pausedMs += performance.now() - before;
  }

  async #tell(event: TrainEvent, eta: Eta): Promise<void> {
    const { kind, scale } = event;
    if (kind === "scale") {
      eta.begin(scale, event.work);
    } else if (kind === "progress") {
      const { iteration, losses, work } = event;
      eta.add(iteration, work);
      const { iterationsPerSecond, remainingMs } = eta;
      post({ kind, scale, iteration, losses, work, iterationsPerSecond, remainingSeconds: remainingMs && remainingMs / 1000 });
      const before = performance.now();
      if (before < this.#nextPreview) return;
      post({ kind: "preview", ...picturesOf(await event.preview()) });
      const after = performance.now();
      const [least, most] = PREVIEW_MS;
      this.#nextPreview = after + Math.min(Math.max((after - before) / PREVIEW_SHARE, least), most);
    } else {
      model = event.model;
      post({ kind, scale, ...picturesOf(event.preview) });
    }
  }
}

const picturesOf = ({ real, reconstruction, sample }: Preview): Pictures => ({
  ...{ real: toRgb8(real), reconstruction: toRgb8(reconstruction), sample: toRgb8(sample) },
});

async function start(request: Start): Promise<void> {
  if (training) return;
  training = new Training();
  const ended = await training.run(request).catch((error: unknown) => ({ error }));
  training = null;
  if (typeof ended === "object") fail(ended.error);
  post({ kind: "ended", isComplete: ended === true });
}

async function sample(seed: number): Promise<void> {
  const current = model;
  if (!current) return;
  const device = await gpu();
  if (loaded?.model !== current) {
    const previous = loaded;
    loaded = null;
    await previous?.sampler.dispose();
    loaded = { model: current, sampler: await openSampler(device, current) };
  }
  const picture = await loaded.sampler.sample({ seed });
  post({ kind: "sample", seed, scales: current.scales.length, picture: toRgb8(picture) });
}

function sendModel(): void {
  if (model) post({ kind: "model", bytes: writeModel(model) as Uint8Array<ArrayBuffer> });
}

self.addEventListener("message", ({ data }: MessageEvent<Request>) => {
  if (data.kind === "start") void start(data);
  else if (data.kind === "sample") queue = queue.then(() => sample(data.seed)).catch(fail);
  else if (data.kind === "model") queue = queue.then(sendModel).catch(fail);
  else training?.[data.kind]();
});
self.addEventListener("unhandledrejection", ({ reason }) => fail(reason));

gpu().catch(fail);
