// The demo page: connects settings, worker and pictures. The training itself is in worker.ts.

import { Announcer, about, byId } from "./dom.ts";
import { EXAMPLE_NAMES, Gallery } from "./gallery.ts";
import { onFile, type Photo, PhotoError } from "./photo.ts";
import { explain } from "./problems.ts";
import type { Plan, Progress, Report, Request } from "./protocol.ts";
import { Results } from "./results.ts";
import { PRESET_HINTS, Settings } from "./settings.ts";
import { TrainingView } from "./training-view.ts";

/** How often a running training is announced. */
const ANNOUNCE_MS = 30_000;

const form = byId("settings", HTMLFormElement);
const choices = byId("choices", HTMLFieldSetElement);
const [start, pause, stop] = [
  byId("start", HTMLButtonElement),
  byId("pause", HTMLButtonElement),
  byId("stop", HTMLButtonElement),
];
const [status, problem, adapter] = [byId("status", HTMLElement), byId("problem", HTMLElement), byId("adapter", HTMLElement)];

const area = byId("training", HTMLElement);
const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
const send = (request: Request): void => worker.postMessage(request);
const announcer = new Announcer(byId("announcer", HTMLElement));
const gallery = new Gallery();
const settings = new Settings(form);
const view = new TrainingView();
const results = new Results(send);

/** `loading` until there is a GPU. */
type State = "loading" | "idle" | "preparing" | "training" | "paused" | "stopping";
let state: State = "loading";
let photo: Photo | null = null;
let plan: Plan | null = null;
let finishedScales = 0;
let announcedAt = 0;
/** What to tell as long as there is no GPU. */
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
  // What was disabled loses the keyboard: hand it to the button that now matters.
  if (active?.matches(":disabled")) (!isRunning() ? start : pause.disabled ? stop : pause).focus({ preventScroll: true });
}

/** The line under the progress bar; screen readers get it when it is news, else now and then. */
function say(text: string, isNews = true): void {
  status.textContent = text;
  const now = performance.now();
  if (!isNews && now < announcedAt + ANNOUNCE_MS) return;
  announcedAt = now;
  announcer.say(text);
  view.describeLosses();
}

/** One message at a time; null takes it away, or back to the one that there is no GPU. */
function complain(message: string | null): void {
  const shown = message ?? noGpu;
  problem.hidden = shown === null;
  problem.textContent = shown;
  if (message !== null) problem.scrollIntoView({ block: "nearest" });
}

const orComplain = (work: Promise<void>): void =>
  void work.catch((error: unknown) => complain(error instanceof Error ? error.message : String(error)));

// ---- photo and settings

function usePhoto(chosen: Photo): void {
  complain(null);
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
  orComplain(choosePhoto());
}

// ---- training

function begin(): void {
  if (!photo || state !== "idle") return;
  complain(null);
  [plan, finishedScales] = [null, 0];
  enter("preparing");
  say("Starting …");
  if (area.getBoundingClientRect().top > innerHeight / 2) area.scrollIntoView(); // on phones, below the settings
  send({ kind: "start", photo: photo.picture, preset: settings.preset, wishes: settings.wishes });
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
  if (isComplete) say("Done: draw as many new pictures as you like.");
  else if (plan && finishedScales > 0) say(`Ended after ${finishedScales} of ${plan.sizes.length} scales, which can draw.`);
  else say(plan ? "Ended before the first scale was done." : "Not started.");
  if (finishedScales > 0) results.ask();
}

function receive(report: Report): void {
  switch (report.kind) {
    case "gpu":
      adapter.textContent = report.isSoftware
        ? `No GPU in use, only the processor: ${report.name}. Everything works, but 10 to 100 times slower.`
        : `GPU: ${report.name}`;
      adapter.classList.toggle("warning", report.isSoftware);
      if (noGpu !== null) {
        noGpu = null;
        complain(null);
      }
      if (state === "loading") enter("idle");
      break;
    case "timing":
      say("Timing this GPU …");
      break;
    case "plan":
      showPlan(report);
      break;
    case "progress":
      showProgress(report);
      break;
    case "preview":
      view.showPictures(report);
      break;
    case "scaleDone":
      finishedScales = report.scale + 1;
      view.showPictures(report, true);
      view.addScale(report.scale, report);
      results.enable();
      say(`${state === "paused" ? "Paused: " : ""}Scale ${finishedScales} of ${plan!.sizes.length} done.`);
      break;
    case "ended":
      finish(report.isComplete);
      break;
    case "sample":
      results.show(report);
      announcer.say(`Sample with seed ${report.seed} drawn.`);
      break;
    case "model":
      results.saveModel(report.bytes);
      break;
    case "problem":
      results.giveUp();
      showProblem(report);
  }
}

function showProblem({ problem: cause, detail }: Report & { kind: "problem" }): void {
  const message = explain(cause, detail, navigator.userAgent);
  if (cause !== "failed") adapter.textContent = "No GPU.";
  if (cause !== "failed" && cause !== "lost") noGpu = message;
  complain(message);
  // A GPU that was refused may be given later; WebGPU that is missing stays missing.
  if (state === "loading" && cause !== "insecure" && cause !== "missing") enter("idle");
}

worker.addEventListener("message", ({ data }: MessageEvent<Report>) => receive(data));
worker.addEventListener("error", () => complain("The training code did not load, or it crashed: reload the page."));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});
form.addEventListener("input", (event) => {
  if (event.target instanceof HTMLInputElement && event.target.type === "file") return;
  settingsChanged();
  if (event.target instanceof HTMLInputElement && event.target.name === "photo") orComplain(choosePhoto());
});
pause.addEventListener("click", () => {
  const wasPaused = state === "paused";
  send({ kind: wasPaused ? "resume" : "pause" });
  say(wasPaused ? "Going on …" : `Paused: ${status.textContent}`);
  enter(wasPaused ? "training" : "paused");
});
stop.addEventListener("click", () => {
  send({ kind: "stop" });
  say("Stopping …");
  enter("stopping");
});
onFile(byId("file", HTMLInputElement), (file) => orComplain(takeFile(file)));
addEventListener("hashchange", () => isRunning() || readAddress());
addEventListener("beforeunload", (event) => {
  if (isRunning()) event.preventDefault();
});
readAddress();
