// The demo page: connects the settings, the worker and the views. worker.ts trains.

import { Announcer, about, byId } from "./dom.ts";
import { InstantView } from "./instant-view.ts";
import { openGpuWorker } from "./open-worker.ts";
import { EXAMPLE_NAMES, Gallery, loadOwn, onFiles, type Photo, PhotoError } from "./photo.ts";
import { explain, RECOVERING } from "./problems.ts";
import type { Plan, Progress, Report, Request, Unfinished } from "./protocol.ts";
import { Results } from "./results.ts";
import { PRESET_HINTS, Settings } from "./settings.ts";
import { TrainingView } from "./training-view.ts";
import { UnfinishedView } from "./unfinished-view.ts";

/** Interval between announcements of the progress to screen readers. */
const ANNOUNCE_MS = 30_000;

const form = byId("settings", HTMLFormElement);
const choices = byId("choices", HTMLFieldSetElement);
const button = (id: string) => byId(id, HTMLButtonElement);
const [start, pause, stop] = [button("start"), button("pause"), button("stop")];
const [status, problem, adapter] = [byId("status", HTMLElement), byId("problem", HTMLElement), byId("adapter", HTMLElement)];
const warning = byId("warning", HTMLElement);
const area = byId("training", HTMLElement);
const worker = openGpuWorker(new URL("./worker.js", import.meta.url));
const send = (request: Request): void => void worker.then((one) => one.postMessage(request));
const announcer = new Announcer(byId("announcer", HTMLElement));
const gallery = new Gallery();
const settings = new Settings(form);
const view = new TrainingView();
const results = new Results(send);
const instant = new InstantView((text) => announcer.say(text));
const unfinished = new UnfinishedView({ goOn, discard: () => send({ kind: "discard" }) });

/** `loading` lasts until the worker has a GPU, `recovering` from a loss of it until there is another one. */
type State = "loading" | "idle" | "preparing" | "training" | "recovering" | "paused" | "stopping";
let state: State = "loading";
let photo: Photo | null = null;
let plan: Plan | null = null;
let finishedScales = 0;
let announcedAt = 0;
/** The message that is shown as long as there is no GPU. */
let noGpu: string | null = null;

const isRunning = (): boolean => state !== "loading" && state !== "idle";

function enter(next: State): void {
  state = next;
  document.body.dataset["state"] = next;
  const active = document.activeElement;
  choices.disabled = isRunning();
  instant.hold(next === "preparing"); // when the GPU is timed, which may be this processor
  start.disabled = next !== "idle" || photo === null;
  unfinished.setState(isRunning(), next === "idle");
  pause.disabled = !isRunning() || next === "stopping" || next === "recovering";
  pause.textContent = next === "paused" ? "Resume" : "Pause";
  stop.disabled = !isRunning();
  // A disabled element loses the keyboard focus, so the focus moves to the button that the visitor needs next.
  if (active?.matches(":disabled")) (!isRunning() ? start : pause.disabled ? stop : pause).focus({ preventScroll: true });
}

/** Shows a line under the progress bar. Screen readers announce news at once, and other lines now and then. */
function say(text: string, isNews = true): void {
  status.textContent = text;
  const now = performance.now();
  if (!isNews && now < announcedAt + ANNOUNCE_MS) return;
  announcedAt = now;
  announcer.say(text, isNews);
  view.describeLosses();
}

/** Shows an error message in the place of an earlier one. Null removes it, but a message about a missing GPU returns. */
function showError(message: string | null): void {
  const shown = message ?? noGpu;
  problem.hidden = shown === null;
  problem.textContent = shown;
  if (message !== null) problem.scrollIntoView({ block: "nearest" });
}

/** On phones, what is new may be far below what was pressed. */
function bringIntoView(element: HTMLElement): void {
  if (element.getBoundingClientRect().top > innerHeight / 2) element.scrollIntoView();
}

const orShowError = (work: Promise<void>): void =>
  void work.catch((error: unknown) => showError(error instanceof Error ? error.message : String(error)));

// ---- photo and settings

function usePhoto(chosen: Photo): void {
  showError(null);
  photo = chosen;
  view.showPhoto(chosen.picture);
  status.textContent = "Not started.";
  instant.show(chosen);
  enter(state);
}

async function choosePhoto(): Promise<void> {
  const chosen = await gallery.chosen();
  if (chosen) usePhoto(chosen);
}

/** A photo to train on, or a model to make pictures with. */
async function takeFiles([file, ...more]: readonly File[]): Promise<void> {
  if (!file) return;
  if (isRunning()) throw new PhotoError("Stop the training first, then choose another photo.");
  if (file.name.endsWith(".safetensors")) {
    if (!results.mayBeGivenUp()) return;
    send({ kind: "open", name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
  } else {
    usePhoto(gallery.addOwn(await loadOwn(file)));
    settingsChanged();
  }
  if (more.length > 0)
    showError(`${more.length === 1 ? "Two" : more.length + 1} files were dropped. The first one, “${file.name}”, is used.`);
}

function showOpened({ name, sizes, scales }: Report & { kind: "opened" }): void {
  showError(null);
  results.clear(name, sizes);
  results.enable(scales);
  results.requestSample();
  bringIntoView(byId("results", HTMLElement));
  announcer.say(`The model ${name} is open.`, true);
}

function settingsChanged(): void {
  byId("preset-hint", HTMLElement).textContent = PRESET_HINTS[settings.preset];
  history.replaceState(null, "", `#${settings.write(EXAMPLE_NAMES)}`);
}

function readAddress(): void {
  settings.read(location.hash, EXAMPLE_NAMES);
  byId("advanced", HTMLDetailsElement).open = settings.changesPreset;
  byId("preset-hint", HTMLElement).textContent = PRESET_HINTS[settings.preset];
  orShowError(choosePhoto());
}

// ---- training

function begin(): void {
  if (!photo || state !== "idle" || !unfinished.mayBeDiscarded() || !results.mayBeGivenUp()) return;
  const { name, picture } = photo;
  const { preset, numbers: options } = settings;
  beginWith({ kind: "start", name, photo: picture, preset, options, replaces: unfinished.kept !== null });
}

function goOn({ name, photo: picture }: Unfinished): void {
  if (!results.mayBeGivenUp()) return;
  usePhoto(gallery.addOwn({ name, picture }));
  settingsChanged();
  beginWith({ kind: "continue" });
}

function beginWith(request: Request): void {
  showError(null);
  showWarning(null);
  [plan, finishedScales] = [null, 0];
  enter("preparing");
  say("Starting …");
  bringIntoView(area);
  void navigator.storage?.persist?.().catch(() => {}); // only a wish: the browser may delete checkpoints where room is short
  send(request);
}

function showTiming({ share }: Report & { kind: "timing" }): void {
  if (state === "preparing") say(`Timing this GPU … ${Math.floor(100 * share)} %`, share === 0);
}

function askAboutLong({ seconds }: Report & { kind: "long" }): void {
  if (state === "stopping") return;
  if (confirm(`This training takes ${about(seconds)} on this GPU. Begin?`)) send({ kind: "agree" });
  else end();
}

function end(): void {
  send({ kind: "stop" });
  say("Stopping …");
  enter("stopping");
}

function showPlan(chosen: Plan): void {
  plan = chosen;
  view.begin(plan);
  results.clear(photo!.name, plan.sizes);
  if (state !== "preparing") return;
  enter("training");
  say("Preparing the first scale …", false);
}

function showProgress(progress: Progress): void {
  view.showProgress(progress);
  if (state !== "training" || !plan) return;
  const { scale, iteration, iterationsPerSecond, remainingSeconds } = progress;
  const { width, height } = plan.sizes[scale]!;
  const parts = [
    `Scale ${scale + 1} of ${plan.sizes.length}, ${width}×${height} px`,
    `iteration ${iteration} of ${plan.options.iterations}`,
    ...(iterationsPerSecond === null ? [] : [`${Number(iterationsPerSecond.toPrecision(2))} it/s`]),
    ...(remainingSeconds === null ? [] : [`${about(remainingSeconds)} left`]),
  ];
  say(parts.join(" · "), false);
}

function finish(isComplete: boolean): void {
  const hadFocus = area.contains(document.activeElement) || form.contains(document.activeElement);
  enter("idle");
  if (isComplete) {
    results.markUnsaved();
    // Start, which has the focus now, would give up the model at the next press of a key.
    if (hadFocus) byId("new-sample", HTMLButtonElement).focus({ preventScroll: true });
    say("Done. Make as many new pictures as you like.", true);
  } else if (plan && finishedScales > 0)
    say(`Ended after ${finishedScales} of ${plan.sizes.length} scales, which can make pictures.`);
  else say(plan ? "Ended before the first scale was done." : "Not started.");
  if (finishedScales > 0) results.requestSample();
}

function showGpu({ name, isSoftware }: Report & { kind: "gpu" }): void {
  adapter.textContent = isSoftware
    ? `No GPU: the processor computes (${name}). Everything works, but 10 to 100 times slower.`
    : `GPU: ${name}`;
  adapter.classList.toggle("warning", isSoftware);
  if (noGpu !== null) {
    noGpu = null;
    showError(null);
  }
  if (state === "loading") enter("idle");
  if (state === "recovering") enter(plan ? "training" : "preparing");
}

/** Shows a line that matters until the next training; null removes it. */
function showWarning(line: string | null): void {
  warning.hidden = line === null;
  warning.textContent = line;
  if (line !== null) announcer.say(line, true);
}

function recover(): void {
  if (state !== "training" && state !== "preparing") return;
  enter("recovering");
  say(RECOVERING);
}

function showSetback({ reason, scale, iteration }: Report & { kind: "setback" }): void {
  const cause = reason === "lost" ? "The GPU was lost and replaced" : "The numbers grew without limit; now with other noise";
  say(`${cause}. The training goes on at scale ${scale + 1}, iteration ${iteration}.`);
}

function finishScale(report: Report & { kind: "scaleDone" }): void {
  finishedScales = report.scale + 1;
  view.showPictures(report, true);
  view.addScale(report.scale, report);
  results.enable(finishedScales);
  say(`${state === "paused" ? "Paused: " : ""}Scale ${finishedScales} of ${plan!.sizes.length} done.`);
}

const receivers: { readonly [K in Report["kind"]]: (report: Report & { kind: K }) => void } = {
  gpu: showGpu,
  timing: showTiming,
  long: askAboutLong,
  plan: showPlan,
  progress: showProgress,
  preview: (pictures) => view.showPictures(pictures),
  scaleDone: finishScale,
  recovering: recover,
  setback: showSetback,
  unfinished: ({ kept }) => unfinished.show(kept),
  warning: ({ line }) => showWarning(line),
  ended: ({ isComplete }) => finish(isComplete),
  sample: (report) => {
    results.show(report);
    announcer.say(`The sample with seed ${report.seed} is ready.`);
  },
  opened: showOpened,
  model: ({ bytes }) => results.saveModel(bytes),
  problem: showProblem,
};

function showProblem({ problem: cause, detail }: Report & { kind: "problem" }): void {
  results.requestFailed();
  const message = explain(cause, detail, navigator.userAgent, unfinished.kept !== null);
  if (cause !== "failed") {
    adapter.textContent = "No GPU.";
    noGpu = message;
  }
  showError(message);
  // A refused GPU may be available at the next attempt. Missing WebGPU will not appear.
  if (state === "loading" && cause !== "insecure" && cause !== "missing") enter("idle");
}

void worker.then((one) => {
  one.addEventListener("message", ({ data }: MessageEvent<Report>) => (receivers[data.kind] as (report: Report) => void)(data));
  one.addEventListener("error", () => showError("The training code did not load, or it crashed. Reload the page."));
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});
// The browser shows what is wrong with a field at that field, so it must be visible.
form.addEventListener("invalid", () => (byId("advanced", HTMLDetailsElement).open = true), { capture: true });
form.addEventListener("input", (event) => {
  if (event.target instanceof HTMLInputElement && event.target.type === "file") return;
  settingsChanged();
  if (event.target instanceof HTMLInputElement && event.target.name === "photo") orShowError(choosePhoto());
});
pause.addEventListener("click", () => {
  const wasPaused = state === "paused";
  send({ kind: wasPaused ? "resume" : "pause" });
  say(wasPaused ? "Resuming …" : `Paused: ${status.textContent}`);
  enter(wasPaused ? "training" : "paused");
});
stop.addEventListener("click", end);
onFiles(byId("file", HTMLInputElement), (files) => orShowError(takeFiles(files)));
addEventListener("hashchange", () => isRunning() || readAddress());
addEventListener("beforeunload", (event) => {
  if (isRunning() || results.isUnsaved) event.preventDefault();
});
readAddress();
