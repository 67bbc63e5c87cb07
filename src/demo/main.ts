// The page: connects the two workers with the views Play, Train and How it works, and with the open models.

import { toPlanes, toRgb8 } from "../image/planes.ts";
import { reducedTo } from "../instant/first.ts";
import { heldByLink, type PlayLink, readPlayLink, writePlayLink } from "./address.ts";
import { BenchmarkPage } from "./benchmark-page.ts";
import { Announcer, byId, copyText, download } from "./dom.ts";
import type { Source } from "./features/feature.ts";
import { TOOLS } from "./features/tools.ts";
import { HowItWorks } from "./how/how-it-works.ts";
import type { InstantMessage, InstantReport } from "./instant-worker.ts";
import { Jobs } from "./jobs.ts";
import { INSTANT_SIDE, Library } from "./library.ts";
import { ModelsDialog } from "./models-dialog.ts";
import { openGpuWorker, openWorker } from "./open-worker.ts";
import { EXAMPLE_NAMES, loadExample, loadOwn, onFiles } from "./photo.ts";
import { Playground } from "./playground.ts";
import { explain } from "./problems.ts";
import type { Report, Request } from "./protocol.ts";
import { type GpuDetails, MessageLog, reportText } from "./report.ts";
import { connectSheet } from "./sheet.ts";
import { SHIPPED } from "./shipped.ts";
import { keepValuesOfSwipes } from "./swipes.ts";
import { TrainingPage } from "./training-page.ts";
import { type ViewName, Views } from "./views.ts";

/** Set by build.mjs. */
declare const PAGE_VERSION: string;

const [problem, adapter] = [byId("problem", HTMLElement), byId("adapter", HTMLElement)];
const gpuWorker = openGpuWorker(new URL("./worker.js", import.meta.url));
const send = (request: Request): void => void gpuWorker.then((one) => one.postMessage(request));
const instantWorker = openWorker(new URL("./instant-worker.js", import.meta.url));
const sendInstant = (message: InstantMessage): void => instantWorker.postMessage(message);
const jobs = { model: new Jobs(send), photo: new Jobs(sendInstant) };
const announcer = new Announcer(byId("announcer", HTMLElement));

/** The message that is shown as long as there is no GPU. */
let noGpu: string | null = null;
/** Whether the visitor has closed that message. */
let isNoGpuClosed = false;
let gpu: GpuDetails | null = null;
const log = new MessageLog();

/**
 * Shows an error message in the place of an earlier one, with a button for a report of it where the visitor can't mend it. Null removes it, but
 * a message about a missing GPU returns until it is closed.
 */
function showError(message: string | null, isReportable = false): void {
  const shown = message ?? (isNoGpuClosed ? null : noGpu);
  problem.hidden = shown === null;
  problem.textContent = shown;
  byId("report", HTMLElement).hidden = shown === null || !(isReportable || shown === noGpu);
  if (message !== null) log.add(`problem: ${message}`);
  if (message !== null) problem.scrollIntoView({ block: "nearest" });
}

const orShowError = (work: Promise<void>): void =>
  void work.catch((error: unknown) => showError(error instanceof Error ? error.message : String(error)));

const views = new Views();
// After a reload, what has been said at the top meanwhile is in sight, such as an unfinished training.
history.scrollRestoration = "manual";
connectSheet();
keepValuesOfSwipes();
const playground = new Playground({
  jobs,
  showError,
  say: (text) => announcer.say(text),
  onChange: () => {
    announcer.retract();
    describeSource();
  },
  train: ({ isForEnlarging } = { isForEnlarging: false }) => {
    offerToTrain();
    if (isForEnlarging) training.wantEnlarging();
    show("train");
  },
});
const training = new TrainingPage({
  ...{ send, announcer, showError },
  holdInstant: (isHeld) => sendInstant({ kind: "hold", isHeld }),
  onModel: (model) => {
    library.isTraining(model);
    if (playground.source?.id === model.id) playground.use(model);
  },
  onFinished: (model) => library.isTrained(model),
  onChange: () => views.write(training.address),
  play: (wanted) => {
    if ("kind" in wanted) playWith(wanted);
    else library.openPhoto(wanted, wanted.isExample);
    show("play");
  },
});

const library = new Library({
  ...{ send, sendInstant, showError },
  use: (source, { link, isQuiet }) => {
    const message = isQuiet ? problem.textContent : ""; // of what the visitor has done meanwhile
    showError(null);
    const isOther = source.id !== playground.source?.id;
    if (isQuiet) playground.use(source, link);
    else playWith(source, link);
    if (isOther) offerToTrain(isQuiet);
    if (link?.isOfOwn) showError(OF_OWN);
    if (message) showError(message);
    if (isQuiet) return;
    if (views.shown !== "how") show("play"); // which explains by the source that is open
    if (source.kind === "model") announcer.say(`The model ${source.name} is open.`, true);
  },
  mayReplace: (name) => !playground.hasWork || confirm(`Open ${name}? What you have made here and not downloaded is given up.`),
  onChange: () => models.describe(playground.source),
});
const models = new ModelsDialog(library, {
  openFile: () => byId("file", HTMLInputElement).click(),
  openPhoto: (name) => orShowError(loadExample(name).then((photo) => library.openPhoto(photo, true))),
  openOwn: (photo) => library.openPhoto(photo, false),
  download: () => playground.source && send({ kind: "model", id: playground.source.id }),
  onOpen: () => send({ kind: "listKept" }),
});
const benchmark = new BenchmarkPage({
  ...{ send, showError },
  say: (text) => announcer.say(text, true),
  refusal: () =>
    noGpu ??
    (training.isLoading ? "Still looking for a GPU." : training.isRunning ? "Stop the training first, then measure." : null),
});
const how = new HowItWorks(async () => {
  const photo = await training.chosenPhoto();
  return (
    photo && { kind: "photo", id: photo.name, name: photo.name, photo: toRgb8(reducedTo(toPlanes(photo.picture), INSTANT_SIDE)) }
  );
});

/** Makes pictures of a source that the visitor has chosen. */
function playWith(source: Source, settings?: PlayLink): void {
  const isOther = source.id !== playground.source?.id;
  playground.use(source, settings);
  byId("welcome", HTMLElement).hidden = true; // its photo is not this one
  if (isOther && playground.tool === "sample") playground.showPhoto();
}

function describeSource(): void {
  const { source } = playground;
  if (!source) return;
  library.using(source);
  models.describe(source);
  how.use(source, playground.runOf(source));
  byId("copy-link", HTMLButtonElement).disabled = false;
  byId("copy-hint", HTMLElement).textContent = "";
  // The address names what is open no more.
  const named = link?.source && library.linkOf(source);
  if (link?.source && (named?.kind !== link.source.kind || named.name !== link.source.name)) {
    link = null;
    views.write(training.address);
  }
}

/** Train begins with the photo that is open here. */
function offerToTrain(isQuiet = false): void {
  const photo = playground.source && library.trainableOf(playground.source);
  if (photo) training.offer(photo, isQuiet);
}

// ---- sources of pictures

const KNOWN = { models: SHIPPED, photos: EXAMPLE_NAMES, tools: TOOLS.map(({ id }) => id) };
/** What the address says of Play. */
let link: PlayLink | null = null;
/** Whether the link, or the first model of the page, is still to be opened: once a GPU is there. */
let isFirst = true;

function show(view: ViewName): void {
  views.show(view);
  training.setShown(view === "train");
}

function readAddress(): void {
  const given = readPlayLink(location.hash, KNOWN);
  const isNew = given !== null && JSON.stringify(given) !== JSON.stringify(link);
  link = given;
  const rest = views.read();
  if (!training.isRunning) training.readAddress(rest);
  training.setShown(views.shown === "train");
  if (views.shown === "benchmark") benchmark.show(location.hash);
  if (isNew) openLink(given);
  else openFirst();
  delete document.documentElement.dataset["linked"]; // see linked.ts
}

const OF_OWN =
  "This link was made with a photo or model of somebody’s own, which no link can hold: this is another one, with the same settings. Open the file to see the same.";

/** Opens what a link names; its settings are for the source that is open, or the first one, where it names none. */
function openLink(given: PlayLink): void {
  const { source } = given;
  if (source && !playground.source) {
    byId("welcome", HTMLElement).hidden = true; // its photo is not this one
    playground.showLinked(source.name);
  }
  isFirst &&= source?.kind !== "photo";
  if (source?.kind === "photo") orShowError(loadExample(source.name).then((photo) => library.openPhoto(photo, true, given)));
  else if (!source && playground.source) {
    playground.use(playground.source, given);
    if (given.isOfOwn) showError(OF_OWN);
  } else if (source && gpu) orShowError(library.openShipped(source.name, { link: given }));
  else {
    isFirst = true;
    openFirst();
  }
}

/**
 * The first visit begins with a model of the page, unless the visitor was quicker; while the GPU trains, with the photo that it trains on. Without
 * a GPU the page's stored pictures stay.
 */
function openFirst(): void {
  if (!isFirst || !gpu || views.shown !== "play") return;
  isFirst = false;
  if (library.isBusy || playground.source) return;
  const named = link?.source?.kind === "model" ? link.source.name : null;
  const { last } = library;
  if (training.isRunning) orShowError(openTrained());
  else if (last && !link?.source) library.openKept(last);
  else orShowError(library.openShipped(named ?? SHIPPED[0], { ...(link && { link }), isQuiet: named === null }));
}

async function openTrained(): Promise<void> {
  const photo = await training.chosenPhoto();
  if (photo) library.openPhoto(photo, EXAMPLE_NAMES.includes(photo.name));
}

async function copyLink(): Promise<void> {
  const { source, tool, settings } = playground;
  const named = source && library.linkOf(source);
  const address = writePlayLink({ ...(named ? { source: named } : { isOfOwn: true }), tool, settings });
  const isCopied = await copyText(`${location.href.replace(/#.*/, "")}#view=${views.shown}&${address}`);
  const held = Object.keys(heldByLink(settings)).length > 0 ? "the settings" : "the tool, but not what you have made with it";
  const holds = named ? `names ${named.name} and holds ${held}` : `holds ${held}, not your photo or model`;
  byId("copy-hint", HTMLElement).textContent = `${isCopied ? "Copied. " : ""}The link ${holds}.`;
}

async function copyReport(): Promise<void> {
  const settings = {
    address: location.hash,
    tool: playground.tool,
    source: playground.source?.kind ?? "none",
    ...playground.settings,
  };
  const { userAgent } = navigator;
  const text = reportText({
    version: PAGE_VERSION,
    userAgent,
    hasWebGpu: "gpu" in navigator,
    gpu,
    messages: log.messages,
    settings,
  });
  if (await copyText(text)) byId("report-hint", HTMLElement).textContent = "Copied. It holds no picture.";
}

/** Decoding a very large photo takes that long; it is announced to those who don't see the button. */
const LONG_OPENING_MS = 1000;

/** How many times files have been given to the page: the latest ones are opened, whichever can be read first. */
let openings = 0;

/** The button that opens files says so meanwhile, in every view. */
async function openFiles(files: readonly File[]): Promise<void> {
  const opening = ++openings;
  const isLatest = (): boolean => opening === openings;
  const label = byId("file-label", HTMLElement);
  label.textContent = "Opening …";
  const timer = setTimeout(() => announcer.say("Opening the file …"), LONG_OPENING_MS);
  await takeFiles(files, isLatest).finally(() => {
    clearTimeout(timer);
    if (isLatest()) label.textContent = "Use my photo";
  });
}

/** A photo, or a model to make pictures with. */
async function takeFiles([file, ...more]: readonly File[], isLatest: () => boolean): Promise<void> {
  if (!file) return;
  if (/\.safetensors$/i.test(file.name)) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    if (!isLatest()) return;
    library.openFile(file.name, bytes);
  } else {
    const photo = await loadOwn(file);
    if (!isLatest()) return;
    if (views.shown === "train") training.useOwn(photo);
    else {
      training.offer({ isExample: false, ...photo });
      library.openPhoto(photo, false);
    }
  }
  if (more.length > 0)
    showError(`${more.length === 1 ? "Two" : more.length + 1} files were dropped. The first one, “${file.name}”, is used.`);
}

// ---- what the workers report

type Receivers = { readonly [K in Report["kind"]]?: (report: Report & { kind: K }) => void };

const receivers: Receivers = {
  gpu: ({ name, isSoftware, details }) => {
    gpu = details;
    adapter.textContent = isSoftware
      ? `No GPU: the processor computes (${name}). Everything works, but 10 to 100 times slower.`
      : `GPU: ${name}`;
    adapter.classList.toggle("warning", isSoftware);
    if (noGpu !== null) {
      noGpu = null;
      showError(null);
    }
    openFirst();
  },
  model: ({ id, bytes }) => {
    download(new Blob([bytes]), `${playground.source?.name}.safetensors`);
    library.isDownloaded(id);
    showError(null);
  },
  problem: ({ problem: cause, detail, isHarmless }) => {
    const message = explain(cause, detail, navigator.userAgent, training.unfinished.kept !== null, library.unsaved);
    const isGone = cause !== "failed" && cause !== "memory";
    if (isGone) {
      adapter.textContent = "No GPU.";
      noGpu = message;
      isNoGpuClosed = false;
      jobs.model.abandon();
    }
    showError(message, !isHarmless);
  },
  reply: (report) => jobs.model.receive(report),
  end: (report) => jobs.model.receive(report),
};

/** Reports without pictures, for a report of what went wrong. */
const TOLD: readonly Report["kind"][] = ["gpu", "plan", "recovering", "setback", "warning", "ended", "notKept", "problem"];

function receive(report: Report): void {
  if (TOLD.includes(report.kind)) log.add(JSON.stringify(report, (name, value) => (name === "details" ? undefined : value)));
  for (const all of [receivers, training.receivers, library.receivers, benchmark.receivers])
    (all[report.kind] as ((one: Report) => void) | undefined)?.(report);
}

void gpuWorker.then((one) => {
  one.addEventListener("message", ({ data }: MessageEvent<Report>) => receive(data));
  one.addEventListener("error", () => showError("The training code did not load, or it crashed. Reload the page.", true));
});
instantWorker.addEventListener("message", ({ data }: MessageEvent<InstantReport>) => {
  if (data.kind === "photo") library.photoOpened(data);
  else if (data.kind === "refused")
    showError(`There are no instant pictures. ${data.problem.charAt(0).toUpperCase()}${data.problem.slice(1)}.`);
  else jobs.photo.receive(data);
});
byId("close-problem", HTMLButtonElement).addEventListener("click", () => {
  isNoGpuClosed = noGpu !== null;
  showError(null);
  document.querySelector<HTMLElement>("nav [aria-current]")?.focus({ preventScroll: true }); // the button that had the focus is gone
});
byId("copy-link", HTMLButtonElement).addEventListener("click", () => orShowError(copyLink()));
byId("copy-report", HTMLButtonElement).addEventListener("click", () => orShowError(copyReport()));
onFiles(byId("file", HTMLInputElement), (files) => orShowError(openFiles(files)));
addEventListener("hashchange", readAddress);
/** What would be lost with this tab. */
const losses: readonly (() => boolean)[] = [
  () => training.isRunning,
  () => training.hasOwnPhoto,
  () => library.unsaved !== null,
  () => library.own !== null,
  () => playground.hasWork,
];
addEventListener("beforeunload", (event) => {
  if (losses.some((isLost) => isLost())) event.preventDefault();
});
readAddress();
