// The GPU's worker: receives the page's requests, trains, works with models and writes model files, so that the page stays free.

import { BindingLimitError, type Gpu, OutOfMemoryError } from "../gpu/device.ts";
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
import { Forecasts } from "./forecasts.ts";
import { KeptModelError } from "./kept-models.ts";
import { KeptTraining, KeptTrainingError, type StoredTraining, summaryOf, whileAlone } from "./kept-training.ts";
import { Measurement } from "./measurement.ts";
import { detailsOf, PageGpu } from "./page-gpu.ts";
import type { Report, Request } from "./protocol.ts";
import { deleteKept, keepModel, listModels, readKept } from "./shelf.ts";
import { Training } from "./training.ts";

/** The open models by the page's ids; of a training, its finished scales. */
const models = new Map<string, AnyModel>();
let loaded: { readonly gpu: Gpu; readonly model: AnyModel; readonly sampler: Awaited<ReturnType<typeof openSampler>> } | null =
  null;
let training: Training | null = null;
let measurement: Measurement | null = null;
let isBusy = false;
/** Whether this browser keeps an unfinished training. */
let isKept = false;

const tellGpu = (one: Gpu): void =>
  post({ kind: "gpu", name: one.adapterName, isSoftware: one.isSoftware, details: detailsOf(one) });
const gpu = new PageGpu(tellGpu, {
  onLost: () => post({ kind: "recovering" }),
  onReopened: (another) => training?.adopt(another),
});

const forecasts = new Forecasts(gpu, (report) => post(report));

const isPicture = (value: unknown): value is Rgb8 => typeof value === "object" && value !== null && "data" in value;

function post(report: Report): void {
  // A job's replies are copied: their pictures may still be in use.
  const pictures = Object.values(report.kind === "unfinished" ? (report.kept ?? {}) : report).filter(isPicture);
  const buffers = report.kind === "model" ? [report.bytes.buffer] : pictures.map(({ data }) => data.buffer as ArrayBuffer);
  self.postMessage(report, { transfer: buffers });
}

const warn = (line: string): void => post({ kind: "warning", line });

/** The visitor's to mend; the GPU is as it was. */
const HARMLESS = [OptionError, MaskError, PyramidError, MemoryError, KeptTrainingError, ModelFileError, KeptModelError];
const OF_MEMORY = [MemoryError, BindingLimitError, OutOfMemoryError];

/** Reports an error to the page, and closes the GPU, whose state is unknown then, unless a training still uses it. */
function fail(error: unknown): void {
  const detail = detailOf(error);
  const isOf = (kinds: readonly (abstract new (...given: never[]) => Error)[]): boolean =>
    kinds.some((kind) => error instanceof kind);
  const isHarmless = isOf(HARMLESS);
  const problem = gpu.causeOf(error, isKept) ?? (isOf(OF_MEMORY) ? "memory" : "failed");
  post({ kind: "problem", problem, detail, isHarmless });
  if (!training && !isHarmless) gpu.close();
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

/** Runs one training to its end. `work` returns the name of the model where all scales were trained. */
async function run(id: string, work: (training: Training, kept: KeptTraining) => Promise<string | null>): Promise<void> {
  if (isBusy) return;
  isBusy = true;
  await measurement?.end();
  let isComplete = false;
  try {
    await whileAlone(async () => {
      const kept = await KeptTraining.open(warn);
      const onModel = (latest: AnyModel) => void models.set(id, latest);
      training = new Training({ gpu, kept, forecasts, post, onModel });
      try {
        const name = await work(training, kept);
        isComplete = name !== null;
        // Before its checkpoints are removed, so that it is never lost.
        if (name !== null) await keepModel({ kind: "keep", id, name }, models.get(id)!, post);
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
    return (await training.start(request)) ? request.name : null;
  });

const goOn = ({ id }: Request & { kind: "continue" }): Promise<void> =>
  run(id, async (training, { found }) => {
    if (!found) throw new KeptTrainingError("The unfinished training is gone: another tab has continued or discarded it.");
    return (await training.continue(found)) ? found.facts.name : null;
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
function openModel({ id, name, bytes }: Omit<Request & { kind: "open" }, "kind">): void {
  try {
    const model = readModel(bytes);
    models.set(id, model);
    const { sizes, scales } = model;
    const photo = toRgb8(scales.length === sizes.length ? model.photo : imresizeTo(model.photo, trainedSize(model)));
    post({
      kind: "opened",
      id,
      name: name.replace(/\.[^.]*$/, ""),
      sizes,
      scales: scales.length,
      photo,
      isSingan: !isConsingan(model),
    });
  } catch (error) {
    if (error instanceof ModelFileError) throw new ModelFileError(`“${name}”: ${error.message}`);
    throw error;
  }
}

function sendModel({ id }: Request & { kind: "model" }): void {
  const model = models.get(id);
  if (model) post({ kind: "model", id, bytes: writeModel(model) as Uint8Array<ArrayBuffer> });
}

function keep(request: Request & { kind: "keep" }): void {
  const model = models.get(request.id);
  if (model) void keepModel(request, model, post);
}

/** Measures the GPU, unless it trains. */
async function measure(): Promise<void> {
  if (isBusy || measurement) return post({ kind: "measured", speeds: [] });
  const one = new Measurement(gpu, (share) => post({ kind: "measuring", share }));
  measurement = one;
  try {
    post({ kind: "measured", speeds: await one.run() });
  } catch (error) {
    post({ kind: "measured", speeds: [] });
    fail(error);
  }
  measurement = null;
}

const orFail = (work: () => void | Promise<void>): void =>
  void (async () => {
    try {
      await work();
    } catch (error) {
      fail(error);
    }
  })();

self.addEventListener("message", ({ data }: MessageEvent<Request>) => {
  if (data.kind === "start") void start(data);
  else if (data.kind === "continue") void goOn(data);
  else if (data.kind === "discard") void discard();
  else if (data.kind === "run" || data.kind === "cancel") jobs.receive(data);
  else if (data.kind === "open") orFail(() => openModel(data));
  else if (data.kind === "model") orFail(() => sendModel(data));
  else if (data.kind === "close") models.delete(data.id);
  else if (data.kind === "forecast") void forecasts.tell(data).catch(fail);
  else if (data.kind === "cancelForecast") forecasts.cancel();
  else if (data.kind === "judge") training?.judge(data.isWanted);
  else if (data.kind === "keep") keep(data);
  else if (data.kind === "listKept") void listModels(post);
  else if (data.kind === "openKept") orFail(async () => openModel({ ...data, bytes: await readKept(data.key) }));
  else if (data.kind === "deleteKept") orFail(() => deleteKept(data.key, post));
  else if (data.kind === "measure") void measure();
  else if (data.kind === "endMeasuring") void measurement?.end();
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
