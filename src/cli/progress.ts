// Shows the progress of long work: a bar on a terminal, or else a line every few seconds. For a training also the time that is left.

import type { LossRecord } from "../singan/model/model.ts";
import { Eta } from "../singan/training/eta.ts";
import type { TrainingState } from "../singan/training/recipe.ts";
import type { TrainEvent } from "../singan/training/train.ts";
import type { SetbackEvent } from "../singan/training/train-to-end.ts";
import type { Session } from "./session.ts";

const BAR_CELLS = 10;
const REDRAW_MS = 100;
const LINE_MS = 5_000;

export interface ProgressSetup {
  readonly scales: number;
  readonly iterations: number;
  /** The forecast for the whole training. Null if nothing was timed. */
  readonly forecastSeconds: number | null;
  readonly now?: () => number;
}

export class Progress {
  readonly #now: () => number;
  readonly #eta: Eta;
  readonly #started: number;
  #scale = 0;
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly session: Session,
    private readonly setup: ProgressSetup,
  ) {
    const { scales, iterations, forecastSeconds, now = () => performance.now() } = setup;
    this.#now = now;
    this.#eta = new Eta(scales, iterations, forecastSeconds && forecastSeconds * 1000, now);
    this.#started = now();
  }

  show(event: TrainEvent | SetbackEvent): void {
    if (event.kind === "setback") {
      const place = `${scaleText(event.scale, this.setup.scales)}, iteration ${event.iteration}`;
      const how = event.reason === "diverged" ? "goes back, and on with other noise" : "goes on with another GPU device";
      this.session.note(`${event.message}: ${how}, from ${place}`);
    } else if (event.kind === "scale") {
      this.#scale = event.scale;
      this.#eta.begin(event.scale, event.work);
    } else if (event.kind === "progress") {
      this.#eta.add(event.iteration, event.work);
      this.#step(event.iteration, event.losses);
    } else {
      this.session.note(this.#summary(event));
    }
  }

  /** Where a state is: "scale 2 of 0-7, iteration 40 of 200", or "its end". */
  placeOf({ level, trainer }: TrainingState): string {
    const { scales, iterations } = this.setup;
    if (level === scales) return "its end";
    return `${scaleText(level, scales)}, iteration ${trainer?.iteration ?? 0} of ${iterations}`;
  }

  #step(iteration: number, losses: LossRecord): void {
    const { isLive } = this.session;
    if (this.#now() - this.#shownAt < (isLive ? REDRAW_MS : LINE_MS)) return;
    this.#shownAt = this.#now();
    const { scales, iterations } = this.setup;
    const perSecond = this.#eta.iterationsPerSecond;
    const parts = [
      scaleText(this.#scale, scales),
      ...(isLive ? [bar(iteration / iterations)] : []),
      `${iteration}/${iterations}`,
      ...(perSecond === null ? [] : [`${perSecond.toPrecision(3)} it/s`]),
      ...this.#left(),
      lossText(losses),
    ];
    if (isLive) this.session.status(parts.join("  "));
    else this.session.note(parts.join("  "));
  }

  #left(): string[] {
    const ms = this.#eta.remainingMs;
    return ms === null ? [] : [`${duration(ms / 1000)} left`];
  }

  #summary({ scale, model }: TrainEvent & { kind: "scaleDone" }): string {
    const { size, channels, losses, noiseAmp, seconds } = model.scales[scale]!;
    const { scales } = this.setup;
    return [
      `${scaleText(scale, scales)} done`,
      `${size.width}x${size.height}`,
      `${channels} channels`,
      `noise ${noiseAmp.toFixed(4)}`,
      `rec ${losses.reconstruction.toFixed(4)}`,
      `in ${duration(seconds)}`,
      ...(scale + 1 < scales ? this.#left() : []),
    ].join("  ");
  }

  get elapsedSeconds(): number {
    return (this.#now() - this.#started) / 1000;
  }
}

/** Work that is measured for so long tells how long the whole will take. */
const MEASURED_MS = 1_000;
/** After so long even a small part of uneven work tells it. */
const PATIENCE_MS = 30_000;
/** Work that takes longer is forecast. */
const FORECAST_SECONDS = 10;

/** A first part that is larger is worth a forecast of its own. */
const SMALL_SHARE = 0.1;

interface ShareSetup {
  readonly now?: () => number;
  /** Work that takes longer than so many seconds is forecast. */
  readonly forecastFrom?: number;
  /** The share of work whose first parts are slower than the others. The forecast is made of what comes after it. */
  readonly measuredShare?: number;
}

/** Shows the progress of work as a share from 0 to 1, and as soon as that can be told how long it will take, where that is long. */
export class ShareDone {
  readonly #started: number;
  #shownAt: number;
  /** Since when time and work are measured: not from the start if a small first part includes what is done once, such as compiling kernels. */
  #base: { readonly share: number; readonly at: number } | null = null;
  #isForecast = false;

  constructor(
    private readonly session: Session,
    private readonly what: string,
    private readonly setup: ShareSetup = {},
  ) {
    this.#started = this.now();
    this.#shownAt = this.#started;
  }

  private now(): number {
    return this.setup.now?.() ?? performance.now();
  }

  show(share: number): void {
    const now = this.now();
    const left = this.#secondsLeft(share, now);
    const seconds = left === null ? 0 : (now - this.#started) / 1000 + left;
    const { forecastFrom = FORECAST_SECONDS } = this.setup;
    if (!this.#isForecast && left !== null) {
      this.#isForecast = true;
      if (seconds > forecastFrom) this.session.note(`${this.what}: about ${duration(seconds)} in all`);
    }
    const { isLive } = this.session;
    if (now - this.#shownAt < (isLive ? REDRAW_MS : LINE_MS)) return;
    this.#shownAt = now;
    const percent = `${Math.floor(100 * share)} %`;
    const text = left !== null && seconds > forecastFrom ? `  ${duration(left)} left` : "";
    if (isLive) this.session.status(`${this.what}  ${bar(share)}  ${percent}${text}`);
    else this.session.note(`${this.what}  ${percent}${text}`);
  }

  /** Null as long as it can't be told, and at the end. */
  #secondsLeft(share: number, now: number): number | null {
    const { measuredShare = 0 } = this.setup;
    this.#base ??= share < SMALL_SHARE ? { share, at: now } : { share: 0, at: this.#started };
    if (this.#base.share < measuredShare && share >= measuredShare) this.#base = { share, at: now };
    const [done, elapsed] = [share - this.#base.share, now - this.#base.at];
    const isMeasured = elapsed >= (this.#base.share < measuredShare ? PATIENCE_MS : MEASURED_MS);
    return share < 1 && done > 0 && isMeasured ? ((1 - share) * elapsed) / done / 1000 : null;
  }
}

/** Scales count from 0, as for --start-scale. */
const scaleText = (scale: number, scales: number): string => `scale ${scale}${scales > 1 ? ` of 0-${scales - 1}` : ""}`;

function bar(share: number): string {
  const full = Math.round(share * BAR_CELLS);
  return `[${"#".repeat(full)}${".".repeat(BAR_CELLS - full)}]`;
}

/** D's loss is shown without the penalty: it is the negative of D's estimate of the distance between the photo and the fakes. */
const lossText = ({ dReal, dFake, gradientPenalty, gAdversarial, reconstruction }: LossRecord): string =>
  `D ${(dReal + dFake).toFixed(3)} GP ${gradientPenalty.toFixed(3)} G ${gAdversarial.toFixed(3)} rec ${reconstruction.toFixed(4)}`;

/** "8 s", "3 min 20 s", "2 h 5 min". */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
