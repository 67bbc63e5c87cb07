// The GPU's worker: receives the page's requests, trains, works with models and writes model files, so that the page stays free.

import type { Gpu } from "../gpu/device.ts";
import { MaskError } from "../image/mask.ts";
import { type Rgb8, toRgb8 } from "../image/planes.ts";
import { imresizeTo } from "../image/resample.ts";
import type { Sampler } from "../singan/generation/sampling.ts";
import { trainedSize } from "../singan/generation/sampling.ts";
import { OptionError } from "../singan/model/config.ts";
import { ModelFileError } from "../singan/model/file-fields.ts";
import { type AnyModel, isConsingan } from "../singan/model/model.ts";
import { PyramidError } from "../singan/model/pyramid.ts";
import { openSampler, readModel, writeModel } from "../singan/recipes.ts";
import { MemoryError } from "../singan/training/plan.ts";
import { GPU_WORK } from "./features/gpu-work.ts";
import { JobRunner } from "./features/job-runner.ts";
import type { FeatureName } from "./features/messages.ts";
import type { ModelWork } from "./features/work.ts";
import { KeptTraining, KeptTrainingError, type StoredTraining, summaryOf, whileAlone } from "./kept-training.ts";
import { PageGpu } from "./page-gpu.ts";
import type { Report, Request } from "./protocol.ts";
import { Training } from "./training.ts";

/** The open models by the page's ids; of a training, its finished scales. */
const models = new Map<string, AnyModel>();
let loaded: { readonly gpu: Gpu; readonly model: AnyModel; readonly sampler: Awaited<ReturnType<typeof openSampler>> } | null =
  null;
let training: Training | null = null;
let isBusy = false;
/** Whether this browser keeps an unfinished training. */
let isKept = false;

const gpu = new PageGpu(({ adapterName, isSoftware }) => post({ kind: "gpu", name: adapterName, isSoftware }), {
  onLost: () => post({ kind: "recovering" }),
  onReopened: (another) => training?.adopt(another),
});

const isPicture = (value: unknown): value is Rgb8 => typeof value === "object" && value !== null && "data" in value;

function post(report: Report): void {
  // A job's replies are copied: their pictures may still be in use.
  const pictures = Object.values(report.kind === "unfinished" ? (report.kept ?? {}) : report).filter(isPicture);
  const buffers = report.kind === "model" ? [report.bytes.buffer] : pictures.map(({ data }) => data.buffer as ArrayBuffer);
  self.postMessage(report, { transfer: buffers });
}

const warn = (line: string): void => post({ kind: "warning", line });

/** The visitor's to mend; the GPU is as it was. */
const HARMLESS = [OptionError, MaskError, PyramidError, MemoryError, KeptTrainingError, ModelFileError];

/** Reports an error to the page, and closes the GPU, whose state is unknown then, unless a training still uses it. */
function fail(error: unknown): void {
  const detail = detailOf(error);
  post({ kind: "problem", problem: gpu.causeOf(error, isKept) ?? "failed", detail });
  if (!training && !HARMLESS.some((kind) => error instanceof kind)) gpu.close();
}

const detailOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

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
async function run(id: string, work: (training: Training, kept: KeptTraining) => Promise<boolean>): Promise<void> {
  if (isBusy) return;
  isBusy = true;
  let isComplete = false;
  try {
    await whileAlone(async () => {
      const kept = await KeptTraining.open(warn);
      const onModel = (latest: AnyModel) => void models.set(id, latest);
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
  run(request.id, async (training, { found }) => {
    if (found && !request.replaces)
      throw new KeptTrainingError("Another tab has left an unfinished training. Continue or discard it first.");
    return training.start(request);
  });

const goOn = ({ id }: Request & { kind: "continue" }): Promise<void> =>
  run(id, async (training, { found }) => {
    if (!found) throw new KeptTrainingError("The unfinished training is gone: another tab has continued or discarded it.");
    return training.continue(found);
  });

const discard = (): Promise<void> =>
  whileAlone(async () => {
    await (await KeptTraining.open(warn)).clear();
    tellKept(null);
  }).catch(fail);

async function withSampler<T>(model: AnyModel, work: (sampler: Sampler) => Promise<T>): Promise<T> {
  return gpu.run(async (device) => {
    if (loaded?.model !== model || loaded.gpu !== device) {
      const previous = loaded;
      loaded = null;
      if (previous?.gpu === device) await previous.sampler.dispose();
      loaded = { gpu: device, model, sampler: await openSampler(device, model) };
    }
    return work(loaded.sampler);
  });
}

const jobs = new JobRunner(
  async ({ source, feature, request }, place) => {
    const model = models.get(source);
    if (!model) throw new OptionError("the model is not open any more");
    await (GPU_WORK[feature] as ModelWork<FeatureName>)(request, {
      ...place,
      model,
      withSampler: (work) => withSampler(model, work),
    });
  },
  post,
  (error) => {
    if (HARMLESS.some((kind) => error instanceof kind)) return detailOf(error);
    fail(error);
    return null;
  },
);

/** Throws ModelFileError, one line. */
function openModel({ id, name, bytes }: Request & { kind: "open" }): void {
  try {
    const model = readModel(bytes);
    models.set(id, model);
    const { sizes, scales } = model;
    const photo = toRgb8(scales.length === sizes.length ? model.photo : imresizeTo(model.photo, trainedSize(model)));
    post({ kind: "opened", id, name, sizes, scales: scales.length, photo, isSingan: !isConsingan(model) });
  } catch (error) {
    if (error instanceof ModelFileError) throw new ModelFileError(`“${name}”: ${error.message}`);
    throw error;
  }
}

function sendModel({ id }: Request & { kind: "model" }): void {
  const model = models.get(id);
  if (model) post({ kind: "model", id, bytes: writeModel(model) as Uint8Array<ArrayBuffer> });
}

const orFail = (work: () => void): void => {
  try {
    work();
  } catch (error) {
    fail(error);
  }
};

self.addEventListener("message", ({ data }: MessageEvent<Request>) => {
  if (data.kind === "start") void start(data);
  else if (data.kind === "continue") void goOn(data);
  else if (data.kind === "discard") void discard();
  else if (data.kind === "run" || data.kind === "cancel") jobs.receive(data);
  else if (data.kind === "open") orFail(() => openModel(data));
  else if (data.kind === "model") orFail(() => sendModel(data));
  else if (data.kind === "close") models.delete(data.id);
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
