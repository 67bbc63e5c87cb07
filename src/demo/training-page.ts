// The view Train: a photo, settings, and the training with all that the worker reports of it.

import { type Announcer, about, byId } from "./dom.ts";
import type { ModelSource } from "./features/feature.ts";
import { EXAMPLE_NAMES, Gallery, type Photo, PhotoError } from "./photo.ts";
import { RECOVERING } from "./problems.ts";
import type { Plan, Progress, Report, Request, Unfinished } from "./protocol.ts";
import { PRESET_HINTS, Settings } from "./settings.ts";
import { TrainingView } from "./training-view.ts";
import { UnfinishedView } from "./unfinished-view.ts";

/** Interval between announcements of the progress to screen readers. */
const ANNOUNCE_MS = 30_000;

/** `loading` lasts until the worker has a GPU, `recovering` from a loss of it until there is another one. */
type State = "loading" | "idle" | "preparing" | "training" | "recovering" | "paused" | "stopping";

interface Hooks {
  send(request: Request): void;
  readonly announcer: Announcer;
  showError(message: string | null): void;
  /** Instant pictures rest while the GPU is timed, which may be this processor. */
  holdInstant(isHeld: boolean): void;
  /** The model in training has another finished scale. */
  onModel(model: ModelSource): void;
  /** The model is trained to its end. */
  onFinished(model: ModelSource): void;
  /** The settings have changed. */
  onChange(): void;
  /** The visitor wants to play with the model in training, or with the photo. */
  play(wanted: ModelSource | Photo): void;
}

type Receivers = { readonly [K in Report["kind"]]?: (report: Report & { kind: K }) => void };
const button = (id: string) => byId(id, HTMLButtonElement);

export class TrainingPage {
  readonly #form = byId("settings", HTMLFormElement);
  readonly #choices = byId("choices", HTMLFieldSetElement);
  readonly #area = byId("training", HTMLElement);
  readonly #status = byId("status", HTMLElement);
  readonly #warning = byId("warning", HTMLElement);
  readonly #start = button("start");
  readonly #pause = button("pause");
  readonly #stop = button("stop");
  readonly #play = button("play-model");
  readonly #playPhoto = button("play-photo");
  readonly #gallery = new Gallery();
  readonly #settings = new Settings(this.#form);
  readonly #view = new TrainingView();
  readonly unfinished = new UnfinishedView({
    goOn: (kept) => this.#goOn(kept),
    discard: () => this.hooks.send({ kind: "discard" }),
  });
  #state: State = "loading";
  #photo: Photo | null = null;
  #plan: Plan | null = null;
  #id = 0;
  #model: ModelSource | null = null;
  #announcedAt = 0;

  constructor(private readonly hooks: Hooks) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
    // The browser shows what is wrong with a field at that field, so it must be visible.
    this.#form.addEventListener("invalid", () => (byId("advanced", HTMLDetailsElement).open = true), { capture: true });
    this.#form.addEventListener("input", (event) => {
      this.#settingsChanged();
      if (event.target instanceof HTMLInputElement && event.target.name === "photo") void this.#choosePhoto();
    });
    this.#pause.addEventListener("click", () => this.#togglePause());
    this.#stop.addEventListener("click", () => this.#end());
    this.#play.addEventListener("click", () => this.#model && hooks.play(this.#model));
    this.#playPhoto.addEventListener("click", () => this.#photo && hooks.play(this.#photo));
  }

  get isRunning(): boolean {
    return this.#state !== "loading" && this.#state !== "idle";
  }

  get isLoading(): boolean {
    return this.#state === "loading";
  }

  /** The photo that is chosen; null if another one is chosen meanwhile. Throws PhotoError. */
  chosenPhoto(): Promise<Photo | null> {
    return this.#gallery.chosen();
  }

  /** The settings as part of the address. */
  get address(): string {
    return this.#settings.write(EXAMPLE_NAMES);
  }

  readAddress(hash: string): void {
    this.#settings.read(hash, EXAMPLE_NAMES);
    byId("advanced", HTMLDetailsElement).open = this.#settings.changesPreset;
    byId("preset-hint", HTMLElement).textContent = PRESET_HINTS[this.#settings.preset];
    void this.#choosePhoto();
  }

  /** Trains on the visitor's own photo from now on. Throws PhotoError while a training runs. */
  useOwn(photo: Photo): void {
    if (this.isRunning) throw new PhotoError("Stop the training first, then choose another photo.");
    this.#usePhoto(this.#gallery.addOwn(photo));
    this.#settingsChanged();
  }

  /** A training can start now: there is a GPU, or one may be had at the next attempt. */
  ready(): void {
    if (this.#state === "loading") this.#enter("idle");
  }

  readonly receivers: Receivers = {
    gpu: () => {
      if (this.#state === "loading") this.#enter("idle");
      if (this.#state === "recovering") this.#enter(this.#plan ? "training" : "preparing");
    },
    timing: ({ share }) => {
      if (this.#state === "preparing") this.#say(`Timing this GPU … ${Math.floor(100 * share)} %`, share === 0);
    },
    long: ({ seconds }) => {
      if (this.#state === "stopping") return;
      if (confirm(`This training takes ${about(seconds)} on this GPU. Begin?`)) this.hooks.send({ kind: "agree" });
      else this.#end();
    },
    plan: (plan) => this.#showPlan(plan),
    progress: (progress) => this.#showProgress(progress),
    preview: (pictures) => this.#view.showPictures(pictures),
    scaleDone: (report) => this.#finishScale(report),
    recovering: () => {
      if (this.#state !== "training" && this.#state !== "preparing") return;
      this.#enter("recovering");
      this.#say(RECOVERING);
    },
    setback: ({ reason, scale, iteration }) => {
      const cause = reason === "lost" ? "The GPU was lost and replaced" : "The numbers grew without limit; now with other noise";
      this.#say(`${cause}. The training goes on at scale ${scale + 1}, iteration ${iteration}.`);
    },
    unfinished: ({ kept }) => this.unfinished.show(kept),
    warning: ({ line }) => this.#showWarning(line),
    ended: ({ isComplete }) => this.#finish(isComplete),
  };

  #enter(next: State): void {
    this.#state = next;
    document.body.dataset["state"] = next;
    const active = document.activeElement;
    this.#choices.disabled = this.isRunning;
    this.hooks.holdInstant(next === "preparing");
    this.#start.disabled = next !== "idle" || this.#photo === null;
    this.#playPhoto.disabled = this.#photo === null;
    this.unfinished.setState(this.isRunning, next === "idle");
    this.#pause.disabled = !this.isRunning || next === "stopping" || next === "recovering";
    this.#pause.textContent = next === "paused" ? "Resume" : "Pause";
    this.#stop.disabled = !this.isRunning;
    // A disabled element loses the keyboard focus, so the focus moves to the button that the visitor needs next.
    if (active?.matches(":disabled")) this.#nextButton().focus({ preventScroll: true });
  }

  #nextButton(): HTMLButtonElement {
    if (this.isRunning) return this.#pause.disabled ? this.#stop : this.#pause;
    return this.#play.disabled ? this.#start : this.#play;
  }

  /** Shows a line under the progress bar. Screen readers announce news at once, and other lines now and then. */
  #say(text: string, isNews = true): void {
    this.#status.textContent = text;
    const now = performance.now();
    if (!isNews && now < this.#announcedAt + ANNOUNCE_MS) return;
    this.#announcedAt = now;
    this.hooks.announcer.say(text, isNews);
    this.#view.describeLosses();
  }

  /** Shows a line that matters until the next training; null removes it. */
  #showWarning(line: string | null): void {
    this.#warning.hidden = line === null;
    this.#warning.textContent = line;
    if (line !== null) this.hooks.announcer.say(line, true);
  }

  #usePhoto(chosen: Photo): void {
    this.hooks.showError(null);
    this.#photo = chosen;
    this.#view.showPhoto(chosen.picture);
    this.#status.textContent = "Not started.";
    this.#enter(this.#state);
  }

  async #choosePhoto(): Promise<void> {
    try {
      const chosen = await this.#gallery.chosen();
      if (chosen) this.#usePhoto(chosen);
    } catch (error) {
      this.hooks.showError((error as Error).message);
    }
  }

  #settingsChanged(): void {
    byId("preset-hint", HTMLElement).textContent = PRESET_HINTS[this.#settings.preset];
    this.hooks.onChange();
  }

  #begin(): void {
    if (!this.#photo || this.#state !== "idle" || !this.unfinished.mayBeDiscarded()) return;
    const { name, picture } = this.#photo;
    const { preset, numbers: options } = this.#settings;
    const replaces = this.unfinished.kept !== null;
    this.#beginWith((id) => ({ kind: "start", id, name, photo: picture, preset, options, replaces }));
  }

  #goOn({ name, photo: picture }: Unfinished): void {
    this.#usePhoto(this.#gallery.addOwn({ name, picture }));
    this.#settingsChanged();
    this.#beginWith((id) => ({ kind: "continue", id }));
  }

  #beginWith(request: (id: string) => Request): void {
    this.hooks.showError(null);
    this.#showWarning(null);
    [this.#plan, this.#model] = [null, null];
    this.#id++;
    this.#play.disabled = true;
    this.#enter("preparing");
    this.#say("Starting …");
    // On phones, the training may be far below what was pressed.
    if (this.#area.getBoundingClientRect().top > innerHeight / 2) this.#area.scrollIntoView();
    void navigator.storage?.persist?.().catch(() => {}); // only a wish: the browser may delete checkpoints where room is short
    this.hooks.send(request(this.#modelId));
  }

  get #modelId(): string {
    return `training-${this.#id}`;
  }

  #end(): void {
    this.hooks.send({ kind: "stop" });
    this.#say("Stopping …");
    this.#enter("stopping");
  }

  #togglePause(): void {
    const wasPaused = this.#state === "paused";
    this.hooks.send({ kind: wasPaused ? "resume" : "pause" });
    this.#say(wasPaused ? "Resuming …" : `Paused: ${this.#status.textContent}`);
    this.#enter(wasPaused ? "training" : "paused");
  }

  #showPlan(chosen: Plan): void {
    this.#plan = chosen;
    this.#view.begin(chosen);
    if (this.#state !== "preparing") return;
    this.#enter("training");
    this.#say("Preparing the first scale …", false);
  }

  #showProgress(progress: Progress): void {
    this.#view.showProgress(progress);
    if (this.#state !== "training" || !this.#plan) return;
    const { scale, iteration, iterationsPerSecond, remainingSeconds } = progress;
    const { sizes, options } = this.#plan;
    const { width, height } = sizes[scale]!;
    const parts = [
      `Scale ${scale + 1} of ${sizes.length}, ${width}×${height} px`,
      `iteration ${iteration} of ${options.iterations}`,
      ...(iterationsPerSecond === null ? [] : [`${Number(iterationsPerSecond.toPrecision(2))} it/s`]),
      ...(remainingSeconds === null ? [] : [`${about(remainingSeconds)} left`]),
    ];
    this.#say(parts.join(" · "), false);
  }

  #finishScale(report: Report & { kind: "scaleDone" }): void {
    const { sizes } = this.#plan!;
    const scales = report.scale + 1;
    const photo = { ...report.real, data: report.real.data.slice() };
    this.#model = { kind: "model", id: this.#modelId, name: this.#photo!.name, sizes, scales, photo, isSingan: true };
    this.#play.disabled = false;
    this.#view.showPictures(report, true);
    this.#view.addScale(report.scale, report);
    this.hooks.onModel(this.#model);
    this.#say(`${this.#state === "paused" ? "Paused: " : ""}Scale ${scales} of ${sizes.length} done.`);
  }

  #finish(isComplete: boolean): void {
    const hadFocus = this.#area.contains(document.activeElement) || this.#form.contains(document.activeElement);
    this.#enter("idle");
    const [plan, model] = [this.#plan, this.#model];
    if (isComplete && model) {
      if (hadFocus) this.#play.focus({ preventScroll: true });
      this.#say("Done. Make as many new pictures as you like.", true);
      this.hooks.onFinished(model);
    } else if (plan && model) this.#say(`Ended after ${model.scales} of ${plan.sizes.length} scales, which can make pictures.`);
    else this.#say(plan ? "Ended before the first scale was done." : "Not started.");
  }
}
