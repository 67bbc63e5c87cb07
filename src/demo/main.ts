// The demo page: connects the settings, the worker and the views. worker.ts trains.

import { Announcer, about, byId } from "./dom.ts";
import { EXAMPLE_NAMES, Gallery, onFile, type Photo, PhotoError } from "./photo.ts";
import { explain } from "./problems.ts";
import type { Plan, Progress, Report, Request } from "./protocol.ts";
import { Results } from "./results.ts";
import { PRESET_HINTS, Settings } from "./settings.ts";
import { TrainingView } from "./training-view.ts";

/** Interval between announcements of the progress to screen readers. */
const ANNOUNCE_MS = 30_000;

const form = byId("settings", HTMLFormElement);
const choices = byId("choices", HTMLFieldSetElement);
const button = (id: string) => byId(id, HTMLButtonElement);
const [start, pause, stop] = [button("start"), button("pause"), button("stop")];
const [status, problem, adapter] = [byId("status", HTMLElement), byId("problem", HTMLElement), byId("adapter", HTMLElement)];

const area = byId("training", HTMLElement);
const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
const send = (request: Request): void => worker.postMessage(request);
const announcer = new Announcer(byId("announcer", HTMLElement));
const gallery = new Gallery();
const settings = new Settings(form);
const view = new TrainingView();
const results = new Results(send);

/** `loading` lasts until the worker has a GPU. */
type State = "loading" | "idle" | "preparing" | "training" | "paused" | "stopping";
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
  start.disabled = next !== "idle" || photo === null;
  pause.disabled = !isRunning() || next === "stopping";
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
  announcer.say(text);
  view.describeLosses();
}

/** Shows an error message in the place of an earlier one. Null removes it, but a message about a missing GPU returns. */
function showError(message: string | null): void {
  const shown = message ?? noGpu;
  problem.hidden = shown === null;
  problem.textContent = shown;
  if (message !== null) problem.scrollIntoView({ block: "nearest" });
}

const orShowError = (work: Promise<void>): void =>
  void work.catch((error: unknown) => showError(error instanceof Error ? error.message : String(error)));

// ---- photo and settings

function usePhoto(chosen: Photo): void {
  showError(null);
  photo = chosen;
  view.showPhoto(chosen.picture);
  enter(state);
}

async function choosePhoto(): Promise<void> {
  const chosen = await gallery.chosen();
  if (chosen) usePhoto(chosen);
}

async function takeFile(file: File): Promise<void> {
  if (isRunning()) throw new PhotoError("Stop the training first, then choose another photo.");
  usePhoto(await gallery.addOwn(file));
  settingsChanged();
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
  if (!photo || state !== "idle") return;
  showError(null);
  [plan, finishedScales] = [null, 0];
  enter("preparing");
  say("Starting …");
  if (area.getBoundingClientRect().top > innerHeight / 2) area.scrollIntoView(); // on phones the area is below the settings
  send({ kind: "start", photo: photo.picture, preset: settings.preset, options: settings.numbers });
}

function showPlan(chosen: Plan): void {
  plan = chosen;
  view.begin(plan);
  results.clear(photo!.name, plan.sizes.length);
  if (state === "preparing") enter("training");
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
  enter("idle");
  if (isComplete) say("Done. Make as many new pictures as you like.");
  else if (plan && finishedScales > 0)
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
}

function finishScale(report: Report & { kind: "scaleDone" }): void {
  finishedScales = report.scale + 1;
  view.showPictures(report, true);
  view.addScale(report.scale, report);
  results.enable();
  say(`${state === "paused" ? "Paused: " : ""}Scale ${finishedScales} of ${plan!.sizes.length} done.`);
}

const receivers: { readonly [K in Report["kind"]]: (report: Report & { kind: K }) => void } = {
  gpu: showGpu,
  timing: () => say("Timing this GPU …"),
  plan: showPlan,
  faults: ({ detail }) => showError(explain("failed", detail, navigator.userAgent)),
  progress: showProgress,
  preview: (pictures) => view.showPictures(pictures),
  scaleDone: finishScale,
  ended: ({ isComplete }) => finish(isComplete),
  sample: (report) => {
    results.show(report);
    announcer.say(`The sample with seed ${report.seed} is ready.`);
  },
  model: ({ bytes }) => results.saveModel(bytes),
  problem: showProblem,
};

function showProblem({ problem: cause, detail }: Report & { kind: "problem" }): void {
  results.requestFailed();
  const message = explain(cause, detail, navigator.userAgent);
  if (cause !== "failed") adapter.textContent = "No GPU.";
  if (cause !== "failed" && cause !== "lost") noGpu = message;
  showError(message);
  // A refused GPU may be available at the next attempt. Missing WebGPU will not appear.
  if (state === "loading" && cause !== "insecure" && cause !== "missing") enter("idle");
}

worker.addEventListener("message", ({ data }: MessageEvent<Report>) => (receivers[data.kind] as (report: Report) => void)(data));
worker.addEventListener("error", () => showError("The training code did not load, or it crashed. Reload the page."));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});
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
stop.addEventListener("click", () => {
  send({ kind: "stop" });
  say("Stopping …");
  enter("stopping");
});
onFile(byId("file", HTMLInputElement), (file) => orShowError(takeFile(file)));
addEventListener("hashchange", () => isRunning() || readAddress());
addEventListener("beforeunload", (event) => {
  if (isRunning()) event.preventDefault();
});
readAddress();
