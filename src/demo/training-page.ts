// The view Train: a photo, settings, and the training with all that the worker reports of it. What can be pressed follows from the state
// in training-state.ts.

import { Cards } from "./cards.ts";
import { type Announcer, about, byId } from "./dom.ts";
import type { ModelSource } from "./features/feature.ts";
import { EXAMPLE_NAMES, Gallery, type Photo, PhotoError, type Trainable } from "./photo.ts";
import { RECOVERING } from "./problems.ts";
import type { Plan, Progress, Report, Request, Unfinished } from "./protocol.ts";
import { Settings } from "./settings.ts";
import { controlsOf, FIRST_STATE, isRunning, next, type PhaseName, type TrainState, type TrainStep } from "./training-state.ts";
import { TrainingView } from "./training-view.ts";
import { UnfinishedView } from "./unfinished-view.ts";

/** Interval between announcements of the progress to screen readers. */
const ANNOUNCE_MS = 30_000;
/** The cards are filled when nothing has changed for so long: a visitor who starts at once needs no forecast. */
const FORECAST_MS = 1000;

const OWN_IS_MISSING =
  "This is an example in place of your own photo, which neither a reload nor a link can keep: open the photo again to train on it. Models that were trained to their end are kept, under Models.";

/** What the page's styles and tests know the phases by. */
const PUBLIC_NAMES: Readonly<Record<PhaseName, string>> = {
  ...{ loading: "loading", "no-gpu": "no-gpu", blocked: "blocked", ready: "idle", planning: "preparing" },
  ...{ training: "training", paused: "paused", recovering: "recovering", stopping: "stopping" },
};

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
  play(wanted: ModelSource | (Photo & { readonly isExample: boolean })): void;
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
  readonly #cards = new Cards();
  readonly #view = new TrainingView((isWanted) => this.hooks.send({ kind: "judge", isWanted }));
  readonly #title = document.title;
  /** Shows in every view how far the training is. */
  readonly #link = byId("to-train", HTMLAnchorElement);
  readonly unfinished = new UnfinishedView({
    goOn: (kept) => this.#goOn(kept),
    discard: () => this.hooks.send({ kind: "discard" }),
  });
  #state: TrainState<ModelSource> = FIRST_STATE;
  #photo: Photo | null = null;
  /** The photo and the plan of the present or last training. */
  #trained: { readonly photo: Photo; readonly plan: Plan } | null = null;
  #name = "";
  #share = 0;
  #id = 0;
  #announcedAt = 0;
  #isShown = false;
  /** The photo that was opened in Play last, until it or another one is chosen here. */
  #offered: Trainable | null = null;
  /** The address was made with the visitor's own photo, which is not here. */
  #isOwnMissing = false;
  /** The address that the settings came from; null before the first. */
  #read: string | null = null;
  #forecastTimer: ReturnType<typeof setTimeout> | undefined;
  #isTiming = false;

  constructor(private readonly hooks: Hooks) {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
    // The browser shows what is wrong with a field at that field, so it must be visible.
    this.#form.addEventListener("invalid", () => (byId("advanced", HTMLDetailsElement).open = true), { capture: true });
    const details = byId("advanced", HTMLDetailsElement);
    // It is open by the next frame. On phones it lies below the buttons that stay in sight.
    details
      .querySelector("summary")!
      .addEventListener("click", () => requestAnimationFrame(() => details.open && details.scrollIntoView({ block: "nearest" })));
    this.#form.addEventListener("input", (event) => {
      if (event.target instanceof HTMLInputElement && event.target.name === "photo") {
        this.#offered = null;
        this.#isOwnMissing = false;
        void this.#choosePhoto();
      } else if (event.target instanceof HTMLInputElement && event.target.name === "preset") {
        if (this.#settings.changesPreset) this.#forecastSoon(); // the details are those of this card from now on
        this.#step({ kind: "refused", isRefused: this.#isRefused });
      } else this.#forecastSoon();
      this.#changed();
    });
    this.#pause.addEventListener("click", () => this.#togglePause());
    this.#stop.addEventListener("click", () => this.#end());
    this.#play.addEventListener("click", () => {
      const { playable } = controlsOf(this.#state);
      if (playable) hooks.play(playable);
    });
    this.#playPhoto.addEventListener("click", () => {
      if (this.#photo) hooks.play({ ...this.#photo, isExample: !this.#gallery.isOwn });
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && !this.isRunning) document.title = this.#title; // the end has been seen
    });
  }

  get isRunning(): boolean {
    return isRunning(this.#state);
  }

  /** Whether a photo of the visitor's own is chosen that no training has kept. */
  get hasOwnPhoto(): boolean {
    return this.#gallery.isOwn && this.#photo !== this.#trained?.photo;
  }

  get isLoading(): boolean {
    return this.#phase === "loading";
  }

  get #phase(): PhaseName {
    return this.#state.phase.kind;
  }

  get #isRefused(): boolean {
    return this.#cards.isRefused(this.#settings.preset);
  }

  /** The photo that is chosen; null if another one is chosen meanwhile. Throws PhotoError. */
  chosenPhoto(): Promise<Photo | null> {
    return this.#gallery.chosen();
  }

  /** The settings as part of the address. */
  get address(): string {
    return this.#settings.write(EXAMPLE_NAMES);
  }

  /** Takes the settings of an address, unless they are those that are there: another view of the page changes nothing here. */
  readAddress(hash: string): void {
    if (this.#read !== null && (hash === this.#read || hash === this.address)) return;
    this.#read = hash;
    if (new URLSearchParams(hash).has("photo")) this.#offered = null;
    this.#isOwnMissing = this.#settings.read(hash, EXAMPLE_NAMES);
    byId("advanced", HTMLDetailsElement).open = this.#settings.changesPreset;
    this.#markCard();
    void this.#choosePhoto();
  }

  #markCard(): void {
    this.#cards.markOwn(this.#settings.changesPreset ? this.#settings.preset : null);
  }

  #changed(): void {
    this.#markCard();
    this.#read = this.address;
    this.hooks.onChange();
  }

  /** Whether the visitor sees this view: only then the GPU is timed for the cards. */
  setShown(isShown: boolean): void {
    if (isShown === this.#isShown) return;
    this.#isShown = isShown;
    if (isShown) this.#takeOffered();
    if (isShown && this.#isOwnMissing) this.hooks.showError(OWN_IS_MISSING);
    this.#forecastSoon();
  }

  /** A photo is open in Play: it is chosen here, too, when the visitor comes. `isQuiet`: unless the visitor has chosen or trained another one. */
  offer(photo: Trainable, isQuiet = false): void {
    const isChosen = this.#trained !== null || new URLSearchParams(this.address).has("photo");
    if (!isQuiet || !isChosen) this.#offered = photo;
  }

  /** The next training is one for enlarging. */
  wantEnlarging(): void {
    if (this.isRunning) return;
    this.#settings.wantEnlarging();
    byId("advanced", HTMLDetailsElement).open = true;
    this.#forecastSoon();
    this.#changed();
  }

  #takeOffered(): void {
    const photo = this.#offered;
    if (!photo || this.isRunning) return;
    this.#offered = null;
    this.#isOwnMissing = false;
    if (!this.#gallery.choose(photo)) return;
    void this.#choosePhoto();
    this.#changed();
  }

  /** Trains on the visitor's own photo from now on. Throws PhotoError while a training runs. */
  useOwn(photo: Photo): void {
    if (this.isRunning) throw new PhotoError("Stop the training first, then choose another photo.");
    this.#isOwnMissing = false;
    this.#usePhoto(this.#gallery.addOwn(photo));
    this.#changed();
  }

  readonly receivers: Receivers = {
    gpu: () => this.#step({ kind: "gpu" }),
    timing: ({ share }) => {
      if (this.#phase === "planning") this.#say(`Timing this GPU … ${Math.floor(100 * share)} %`, share === 0);
      else if (this.#isTiming) this.#cards.showTiming(share);
    },
    forecast: ({ kind: _, ...forecast }) => {
      if (!this.#isTiming) return;
      this.#cards.show(forecast, this.#settings.changesPreset);
      if (forecast.preset === "full" && !("seconds" in forecast && forecast.seconds === null)) this.#setTiming(false);
      this.#step({ kind: "refused", isRefused: this.#isRefused });
    },
    long: ({ seconds }) => {
      if (this.#phase !== "planning") return;
      if (confirm(`This training takes ${about(seconds)} on this GPU. Begin?`)) this.hooks.send({ kind: "agree" });
      else this.#end();
    },
    plan: ({ kind: _, ...plan }) => this.#showPlan(plan),
    progress: (progress) => this.#showProgress(progress),
    preview: (pictures) => this.#view.showPictures(pictures),
    scaleDone: (report) => this.#finishScale(report),
    recovering: () => {
      this.#step({ kind: "lost" });
      if (this.#phase === "recovering") this.#say(RECOVERING);
    },
    setback: ({ reason, scale, iteration }) => {
      const cause = reason === "lost" ? "The GPU was lost and replaced" : "The numbers grew without limit; now with other noise";
      this.#say(`${cause}. The training goes on at scale ${scale + 1}, iteration ${iteration}.`);
    },
    unfinished: ({ kept }) => {
      if (kept && this.#isOwnMissing) {
        this.#isOwnMissing = false; // the training has the photo
        this.hooks.showError(null);
      }
      this.unfinished.show(kept);
    },
    warning: ({ line }) => this.#showWarning(line),
    problem: ({ problem }) => {
      if (problem === "failed") this.#step({ kind: "failed" });
      else this.#step({ kind: "noGpu", wasLost: problem === "lostUntilReload" || problem === "lostUntilRestart" });
    },
    ended: ({ isComplete }) => this.#finish(isComplete),
  };

  #step(step: TrainStep<ModelSource>): void {
    const before = this.#phase;
    this.#state = next(this.#state, step);
    this.#show();
    if (this.#phase !== before && (this.#phase === "ready" || before === "ready")) this.#forecastSoon();
  }

  /** Makes the page what the state says. */
  #show(): void {
    const { canStart, canContinue, canChoose, canPause, canResume, canStop, playable, isFormer, canJudge } = controlsOf(
      this.#state,
    );
    document.body.dataset["state"] = PUBLIC_NAMES[this.#phase];
    const active = document.activeElement;
    this.#choices.disabled = !canChoose;
    this.#start.disabled = !canStart;
    this.#playPhoto.disabled = !this.#state.hasPhoto;
    this.#pause.disabled = !(canPause || canResume);
    this.#pause.textContent = canResume ? "Resume" : "Pause";
    this.#stop.disabled = !canStop;
    this.#play.disabled = playable === null;
    this.#play.textContent = isFormer ? `Play with ${playable?.name}` : "Play with it";
    this.#view.enableJudgement(canJudge);
    this.hooks.holdInstant(this.#phase === "planning" || this.#isTiming);
    this.unfinished.setState(this.isRunning, canContinue);
    const { phase } = this.#state;
    if (phase.kind === "stopping" && phase.hadPlan) this.unfinished.expect({ name: this.#name, share: this.#share });
    // A disabled element loses the keyboard focus, so the focus moves to what the visitor needs next.
    if (active?.matches(":disabled") || active === this.#status) this.#nextFocus().focus({ preventScroll: true });
  }

  /** Never Stop: a key that is pressed once too often must not reach it. */
  #nextFocus(): HTMLElement {
    if (this.isRunning) return this.#pause.disabled ? this.#status : this.#pause;
    const button = this.#play.disabled ? this.#start : this.#play;
    return button.disabled ? this.#status : button;
  }

  /** Has the cards filled when nothing changes for a moment; ends what is under way for other settings. */
  #forecastSoon(): void {
    clearTimeout(this.#forecastTimer);
    if (this.#isTiming && this.#phase !== "planning") this.hooks.send({ kind: "cancelForecast" });
    this.#setTiming(false);
    if (!this.#isShown || this.#phase !== "ready" || !this.#photo) return;
    this.#cards.clear();
    this.#forecastTimer = setTimeout(() => {
      const { width, height } = this.#photo!.picture;
      if (!this.#form.checkValidity()) return;
      this.#setTiming(true);
      const { preset: chosen, options } = this.#settings;
      this.hooks.send({ kind: "forecast", photo: { width, height }, chosen, options });
    }, FORECAST_MS);
  }

  #setTiming(isTiming: boolean): void {
    this.#isTiming = isTiming;
    if (!isTiming) this.#cards.endTiming();
    this.hooks.holdInstant(isTiming || this.#phase === "planning");
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
    this.hooks.showError(this.#isOwnMissing && this.#isShown ? OWN_IS_MISSING : null);
    this.#photo = chosen;
    this.#view.showPhoto(chosen.picture);
    this.#status.textContent = "Not started.";
    this.#step({ kind: "photo" });
    this.#forecastSoon();
  }

  async #choosePhoto(): Promise<void> {
    try {
      const chosen = await this.#gallery.chosen();
      if (chosen && !this.isRunning) this.#usePhoto(chosen);
    } catch (error) {
      this.hooks.showError((error as Error).message);
    }
  }

  #begin(): void {
    if (!this.#photo || !controlsOf(this.#state).canStart || !this.unfinished.mayBeDiscarded()) return;
    const { name, picture } = this.#photo;
    const { preset, options } = this.#settings;
    const replaces = this.unfinished.kept !== null;
    this.#beginWith(name, (id) => ({ kind: "start", id, name, photo: picture, preset, options, replaces }));
  }

  #goOn({ name, photo: picture }: Unfinished): void {
    if (!controlsOf(this.#state).canContinue) return;
    this.#isOwnMissing = false;
    this.#usePhoto(this.#gallery.addOwn({ name, picture }));
    this.#changed();
    this.#step({ kind: "refused", isRefused: false }); // it has begun on this GPU, or one like it
    this.#beginWith(name, (id) => ({ kind: "continue", id }));
  }

  #beginWith(name: string, request: (id: string) => Request): void {
    this.hooks.showError(null);
    this.#showWarning(null);
    this.#trained = null;
    [this.#name, this.#share] = [name, 0];
    this.#id++;
    // From now on the pictures come first, also for those who read or tab through the page, and on phones. Before the focus goes there.
    if (this.#area.nextElementSibling !== this.#form) this.#form.before(this.#area);
    this.#step({ kind: "start" });
    this.#say("Starting …");
    const { top } = this.#area.getBoundingClientRect();
    if (top < 0 || top > innerHeight / 2) this.#area.scrollIntoView();
    void navigator.storage?.persist?.().catch(() => {}); // only a wish: the browser may delete checkpoints where room is short
    this.hooks.send(request(this.#modelId));
  }

  get #modelId(): string {
    return `training-${this.#id}`;
  }

  #end(): void {
    this.hooks.send({ kind: "stop" });
    this.#say("Stopping …");
    this.#step({ kind: "stop" });
  }

  #togglePause(): void {
    const wasPaused = this.#phase === "paused";
    this.hooks.send({ kind: wasPaused ? "resume" : "pause" });
    this.#say(wasPaused ? "Resuming …" : `Paused: ${this.#status.textContent}`);
    this.#step({ kind: wasPaused ? "resume" : "pause" });
  }

  #showPlan(plan: Plan): void {
    this.#trained = { photo: this.#photo!, plan };
    this.#view.begin(plan);
    if (this.#view.wantsJudgement) this.hooks.send({ kind: "judge", isWanted: true });
    this.#step({ kind: "plan" });
    if (this.#phase === "training") this.#say("Preparing the first scale …", false);
  }

  #showProgress(progress: Progress): void {
    this.#view.showProgress(progress);
    const { scale, iteration, iterationsPerSecond, remainingSeconds, work } = progress;
    this.#share = work.done / work.total;
    if (this.#phase !== "training" || !this.#trained) return;
    document.title = `${Math.floor(100 * this.#share)} % · ${this.#name} · SinGAN`;
    this.#link.dataset["share"] = `${Math.floor(100 * this.#share)} %`;
    const { sizes, options } = this.#trained.plan;
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
    const {
      photo: { name },
      plan,
    } = this.#trained!;
    const scales = report.scale + 1;
    const photo = { ...report.real, data: report.real.data.slice() };
    const model: ModelSource = { kind: "model", id: this.#modelId, name, sizes: plan.sizes, scales, photo, isSingan: true };
    this.#step({ kind: "scale", model });
    this.#view.showPictures(report, true);
    this.#view.addScale(report.scale, report);
    this.hooks.onModel(model);
    this.#say(`${this.#phase === "paused" ? "Paused: " : ""}Scale ${scales} of ${plan.sizes.length} done.`);
  }

  #finish(isComplete: boolean): void {
    const hadFocus = this.#area.contains(document.activeElement) || this.#form.contains(document.activeElement);
    this.#step({ kind: "ended" });
    const { own: model } = this.#state.models;
    const plan = this.#trained?.plan;
    delete this.#link.dataset["share"];
    document.title = isComplete ? `Done · ${this.#name} · SinGAN` : this.#title;
    this.#view.end(isComplete);
    if (isComplete && model) {
      if (hadFocus) this.#play.focus({ preventScroll: true });
      this.#say("Done. Make as many new pictures as you like.", true);
      this.hooks.onFinished(model);
    } else if (plan && model) this.#say(`Ended after ${model.scales} of ${plan.sizes.length} scales, which can make pictures.`);
    else this.#say(plan ? "Ended before the first scale was done." : "Not started.");
  }
}
