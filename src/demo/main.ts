// The page: connects the two workers with the views Play, Train and How it works, and with the open models.

import { toPlanes, toRgb8 } from "../image/planes.ts";
import { reducedTo } from "../instant/first.ts";
import { Announcer, byId, download } from "./dom.ts";
import type { ModelSource } from "./features/feature.ts";
import { HowItWorks } from "./how/how-it-works.ts";
import type { InstantMessage, InstantReport } from "./instant-worker.ts";
import { Jobs } from "./jobs.ts";
import { openGpuWorker, openWorker } from "./open-worker.ts";
import { loadOwn, onFiles, type Photo } from "./photo.ts";
import { Playground } from "./playground.ts";
import { explain } from "./problems.ts";
import type { Report, Request } from "./protocol.ts";
import { TrainingPage } from "./training-page.ts";
import { Views } from "./views.ts";

/** Long side of a photo for instant pictures, px. */
const INSTANT_SIDE = 96;

const [problem, adapter] = [byId("problem", HTMLElement), byId("adapter", HTMLElement)];
const gpuWorker = openGpuWorker(new URL("./worker.js", import.meta.url));
const send = (request: Request): void => void gpuWorker.then((one) => one.postMessage(request));
const instantWorker = openWorker(new URL("./instant-worker.js", import.meta.url));
const sendInstant = (message: InstantMessage): void => instantWorker.postMessage(message);
const jobs = { model: new Jobs(send), photo: new Jobs(sendInstant) };
const announcer = new Announcer(byId("announcer", HTMLElement));

/** The message that is shown as long as there is no GPU. */
let noGpu: string | null = null;
/** A trained model that is nowhere but in this tab. */
let unsaved: ModelSource | null = null;
let opened = 0;

/** Shows an error message in the place of an earlier one. Null removes it, but a message about a missing GPU returns. */
function showError(message: string | null): void {
  const shown = message ?? noGpu;
  problem.hidden = shown === null;
  problem.textContent = shown;
  if (message !== null) problem.scrollIntoView({ block: "nearest" });
}

const orShowError = (work: Promise<void>): void =>
  void work.catch((error: unknown) => showError(error instanceof Error ? error.message : String(error)));

const views = new Views();
const playground = new Playground({
  jobs,
  showError,
  say: (text) => announcer.say(text),
  onChange: () => describeSource(),
});
const training = new TrainingPage({
  ...{ send, announcer, showError },
  holdInstant: (isHeld) => sendInstant({ kind: "hold", isHeld }),
  onModel: (model) => {
    if (playground.source?.id === model.id) playground.use(model);
  },
  onFinished: (model) => {
    unsaved = model;
  },
  onChange: () => views.write(training.address),
  play: (wanted) => {
    if ("kind" in wanted) playground.use(wanted);
    else playPhoto(wanted);
    views.show("play");
  },
});

const how = new HowItWorks(async () => {
  const photo = await training.chosenPhoto();
  return (
    photo && { kind: "photo", id: photo.name, name: photo.name, photo: toRgb8(reducedTo(toPlanes(photo.picture), INSTANT_SIDE)) }
  );
});

function describeSource(): void {
  const { source } = playground;
  if (source) how.use(source, playground.runOf(source));
  byId("document-name", HTMLElement).textContent = source?.name ?? "Models";
  byId("save-model", HTMLButtonElement).disabled = source?.kind !== "model";
}

// ---- sources of pictures

function playPhoto({ name, picture }: Photo): void {
  sendInstant({ kind: "photo", id: `${++opened} ${name}`, photo: picture, maxSize: INSTANT_SIDE });
}

/** A photo, or a model to make pictures with. */
async function takeFiles([file, ...more]: readonly File[]): Promise<void> {
  if (!file) return;
  if (file.name.endsWith(".safetensors")) {
    const name = file.name.replace(/\.[^.]*$/, "");
    send({ kind: "open", id: `model-${++opened}`, name, bytes: new Uint8Array(await file.arrayBuffer()) });
  } else {
    const photo = await loadOwn(file);
    training.useOwn(photo);
    if (views.shown !== "train") playPhoto(photo);
  }
  if (more.length > 0)
    showError(`${more.length === 1 ? "Two" : more.length + 1} files were dropped. The first one, “${file.name}”, is used.`);
}

// ---- what the workers report

type Receivers = { readonly [K in Report["kind"]]?: (report: Report & { kind: K }) => void };

const receivers: Receivers = {
  gpu: ({ name, isSoftware }) => {
    adapter.textContent = isSoftware
      ? `No GPU: the processor computes (${name}). Everything works, but 10 to 100 times slower.`
      : `GPU: ${name}`;
    adapter.classList.toggle("warning", isSoftware);
    if (noGpu === null) return;
    noGpu = null;
    showError(null);
  },
  opened: ({ kind: _, ...model }) => {
    showError(null);
    playground.use({ kind: "model", ...model });
    views.show("play");
    announcer.say(`The model ${model.name} is open.`, true);
  },
  model: ({ id, bytes }) => {
    download(new Blob([bytes]), `${playground.source?.name}.safetensors`);
    if (unsaved?.id === id) unsaved = null;
  },
  problem: ({ problem: cause, detail }) => {
    const message = explain(cause, detail, navigator.userAgent, training.unfinished.kept !== null);
    if (cause !== "failed") {
      adapter.textContent = "No GPU.";
      noGpu = message;
      jobs.model.abandon();
    }
    showError(message);
    // A refused GPU may be available at the next attempt. Missing WebGPU will not appear.
    if (cause !== "insecure" && cause !== "missing") training.ready();
  },
  reply: (report) => jobs.model.receive(report),
  end: (report) => jobs.model.receive(report),
};

function receive(report: Report): void {
  for (const all of [receivers, training.receivers]) (all[report.kind] as ((one: Report) => void) | undefined)?.(report);
}

void gpuWorker.then((one) => {
  one.addEventListener("message", ({ data }: MessageEvent<Report>) => receive(data));
  one.addEventListener("error", () => showError("The training code did not load, or it crashed. Reload the page."));
});
instantWorker.addEventListener("message", ({ data }: MessageEvent<InstantReport>) => {
  if (data.kind === "photo")
    playground.use({ kind: "photo", id: data.id, name: data.id.replace(/^\d+ /, ""), photo: data.photo });
  else if (data.kind === "refused")
    showError(`There are no instant pictures. ${data.problem.charAt(0).toUpperCase()}${data.problem.slice(1)}.`);
  else jobs.photo.receive(data);
});
byId("save-model", HTMLButtonElement).addEventListener("click", () => {
  const { source } = playground;
  if (source?.kind === "model") send({ kind: "model", id: source.id });
});
onFiles(byId("file", HTMLInputElement), (files) => orShowError(takeFiles(files)));
addEventListener("hashchange", () => {
  const settings = views.read();
  if (!training.isRunning) training.readAddress(settings);
});
addEventListener("beforeunload", (event) => {
  if (training.isRunning || unsaved) event.preventDefault();
});
training.readAddress(views.read());
