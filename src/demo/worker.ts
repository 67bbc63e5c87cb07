// The worker: receives the page's requests, trains, samples and writes the model file, so that the page stays free.

import type { Gpu } from "../gpu/device.ts";
import { type Rgb8, toRgb8 } from "../image/planes.ts";
import { OptionError } from "../singan/model/config.ts";
import { ModelFileError } from "../singan/model/file-fields.ts";
import type { AnyModel } from "../singan/model/model.ts";
import { PyramidError } from "../singan/model/pyramid.ts";
import { checkSample, openSampler, readModel, writeModel } from "../singan/recipes.ts";
import { MemoryError } from "../singan/training/plan.ts";
import { KeptTraining, KeptTrainingError, type StoredTraining, summaryOf, whileAlone } from "./kept-training.ts";
import { PageGpu } from "./page-gpu.ts";
import type { Report, Request } from "./protocol.ts";
import { Training } from "./training.ts";

/** The finished scales of the last training. */
let model: AnyModel | null = null;
let loaded: { readonly gpu: Gpu; readonly model: AnyModel; readonly sampler: Awaited<ReturnType<typeof openSampler>> } | null =
  null;
let training: Training | null = null;
let isBusy = false;
/** Whether this browser keeps an unfinished training. */
let isKept = false;
/** Samples and model files are made one after the other. */
let queue: Promise<void> = Promise.resolve();

const gpu = new PageGpu(({ adapterName, isSoftware }) => post({ kind: "gpu", name: adapterName, isSoftware }), {
  onLost: () => post({ kind: "recovering" }),
  onReopened: (another) => training?.adopt(another),
});

const isPicture = (value: unknown): value is Rgb8 => typeof value === "object" && value !== null && "data" in value;

function post(report: Report): void {
  const pictures = Object.values(report.kind === "unfinished" ? (report.kept ?? {}) : report).filter(isPicture);
  const buffers = report.kind === "model" ? [report.bytes.buffer] : pictures.map(({ data }) => data.buffer as ArrayBuffer);
  self.postMessage(report, { transfer: buffers });
}

const warn = (line: string): void => post({ kind: "warning", line });

/** The visitor's to mend; the GPU is as it was. */
const HARMLESS = [OptionError, PyramidError, MemoryError, KeptTrainingError, ModelFileError];

/** Reports an error to the page, and closes the GPU, whose state is unknown then, unless a training still uses it. */
function fail(error: unknown): void {
  const detail = error instanceof Error ? error.message : String(error);
  post({ kind: "problem", problem: gpu.causeOf(error, isKept) ?? "failed", detail });
  if (!training && !HARMLESS.some((kind) => error instanceof kind)) gpu.close();
}

function tellKept(found: StoredTraining | null): void {
  isKept = found !== null;
  post({ kind: "unfinished", kept: found && summaryOf(found) });
}

/** Tells the page of the unfinished training, unless another tab trains. */
const lookForKept = (): Promise<void> =>
  whileAlone(async () => tellKept((await KeptTraining.open(warn)).found)).catch((error: unknown) => {
    if (!(error instanceof KeptTrainingError)) throw error;
  });

/** Runs one training to its end. `work` returns whether all scales were trained. */
async function run(work: (training: Training, kept: KeptTraining) => Promise<boolean>): Promise<void> {
  if (isBusy) return;
  isBusy = true;
  let isComplete = false;
  try {
    await whileAlone(async () => {
      const kept = await KeptTraining.open(warn);
      const onModel = (latest: AnyModel | null) => {
        model = latest;
      };
      training = new Training({ gpu, kept, post, onModel });
      try {
        isComplete = await work(training, kept);
      } finally {
        training = null;
        await (isComplete ? kept.clear() : kept.save());
        tellKept((await KeptTraining.open(() => {})).found);
      }
    });
  } catch (error) {
    fail(error);
  }
  isBusy = false;
  post({ kind: "ended", isComplete });
}

const start = (request: Request & { kind: "start" }): Promise<void> =>
  run(async (training, { found }) => {
    if (found && !request.replaces)
      throw new KeptTrainingError("Another tab has left an unfinished training. Continue or discard it first.");
    return training.start(request);
  });

const goOn = (): Promise<void> =>
  run(async (training, { found }) => {
    if (!found) throw new KeptTrainingError("The unfinished training is gone: another tab has continued or discarded it.");
    return training.continue(found);
  });

const discard = (): Promise<void> =>
  whileAlone(async () => {
    await (await KeptTraining.open(warn)).clear();
    tellKept(null);
  }).catch(fail);

async function sample({ kind, ...request }: Request & { kind: "sample" }): Promise<void> {
  const current = model;
  if (!current) return;
  checkSample(current, request);
  const picture = await gpu.run(async (device) => {
    if (loaded?.model !== current || loaded.gpu !== device) {
      const previous = loaded;
      loaded = null;
      if (previous?.gpu === device) await previous.sampler.dispose();
      loaded = { gpu: device, model: current, sampler: await openSampler(device, current) };
    }
    return loaded.sampler.sample(request);
  });
  post({ kind, ...request, scales: current.scales.length, picture: toRgb8(picture) });
}

/** Throws ModelFileError, one line, and keeps the model that there was. */
function openModel(name: string, bytes: Uint8Array): void {
  try {
    model = readModel(bytes);
  } catch (error) {
    if (error instanceof ModelFileError) throw new ModelFileError(`“${name}”: ${error.message}`);
    throw error;
  }
  const { sizes, scales } = model;
  post({ kind: "opened", name: name.replace(/\.[^.]*$/, ""), sizes, scales: scales.length });
}

function sendModel(): void {
  if (model) post({ kind: "model", bytes: writeModel(model) as Uint8Array<ArrayBuffer> });
}

self.addEventListener("message", ({ data }: MessageEvent<Request>) => {
  if (data.kind === "start") void start(data);
  else if (data.kind === "continue") void goOn();
  else if (data.kind === "discard") void discard();
  else if (data.kind === "sample") queue = queue.then(() => sample(data)).catch(fail);
  else if (data.kind === "open") queue = queue.then(() => openModel(data.name, data.bytes)).catch(fail);
  else if (data.kind === "model") queue = queue.then(sendModel).catch(fail);
  else training?.[data.kind]();
});
self.addEventListener("unhandledrejection", ({ reason }) => fail(reason));

/** The kept training first: what helps against a missing GPU depends on it. */
async function begin(): Promise<void> {
  const opened = gpu.get().catch((error: unknown) => () => fail(error));
  if (isSecureContext) await lookForKept().catch(fail); // elsewhere a page has neither GPU nor locks
  const failed = await opened;
  if (typeof failed === "function") failed();
}
void begin();
