// How a training gets on, for people: a bar on a terminal, else a line every few seconds; and when it will be done.

import type { LossRecord, TrainEvent, Work } from "../singan/model.ts";
import type { Session } from "./session.ts";

const BAR_CELLS = 16;
const REDRAW_MS = 100;
const LINE_MS = 5_000;
/** The rate is that of the last so many ms: later scales use a GPU better than early ones. */
const WINDOW_MS = 20_000;
/** A rate measured over less than this says nothing. */
const MIN_WINDOW_MS = 1_000;

interface Moment {
  readonly at: number;
  readonly work: number;
  readonly iterations: number;
}

/** Work and iterations per ms over the last while. */
export class Rate {
  readonly #start: number;
  #moments: Moment[] = [];
  #iterations = 0;
  #work: Work = { done: 0, total: 1 };

  constructor(private readonly now: () => number) {
    this.#start = now();
  }

  /** Told of work done in all, and of iterations since the last call. */
  add(work: Work, iterations: number): void {
    const at = this.now();
    this.#iterations += iterations;
    this.#work = work;
    this.#moments.push({ at, work: work.done, iterations: this.#iterations });
    while (this.#moments.length > 2 && this.#moments[0]!.at < at - WINDOW_MS) this.#moments.shift();
  }

  get iterationsPerSecond(): number | null {
    const [first, last] = [this.#moments[0], this.#moments.at(-1)];
    if (!first || !last || last.at - first.at < MIN_WINDOW_MS) return null;
    return (1000 * (last.iterations - first.iterations)) / (last.at - first.at);
  }

  /** By the work that is left: later scales cost more. */
  get remainingMs(): number | null {
    const first = this.#moments[0];
    const { done, total } = this.#work;
    if (!first || done <= 0) return null;
    const isRecent = this.now() - first.at >= MIN_WINDOW_MS && done > first.work;
    const perMs = isRecent ? (done - first.work) / (this.now() - first.at) : done / (this.now() - this.#start);
    return (total - done) / perMs;
  }
}

export class Progress {
  #rate: Rate;
  #scale = 0;
  #iteration = 0;
  #shownAt = Number.NEGATIVE_INFINITY;
  #started: number;
  #isDrawn = false;

  constructor(
    private readonly session: Session,
    private readonly scales: number,
    private readonly iterations: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#rate = new Rate(now);
    this.#started = now();
  }

  show(event: TrainEvent): void {
    if (event.kind === "scale") {
      this.#scale = event.scale;
      this.#iteration = 0;
      this.#rate.add(event.work, 0);
    } else if (event.kind === "progress") {
      this.#rate.add(event.work, event.iteration - this.#iteration);
      this.#iteration = event.iteration;
      this.#step(event.losses);
    } else {
      this.stop();
      this.session.note(this.#summary(event));
    }
  }

  #step(losses: LossRecord): void {
    const { isLive, err } = this.session;
    if (this.now() - this.#shownAt < (isLive ? REDRAW_MS : LINE_MS)) return;
    this.#shownAt = this.now();
    const parts = [
      `scale ${this.#scale + 1}/${this.scales}`,
      ...(isLive ? [bar(this.#iteration / this.iterations)] : []),
      `${this.#iteration}/${this.iterations}`,
      speed(this.#rate.iterationsPerSecond),
      `${this.#left()} left`,
      lossText(losses),
    ].filter(Boolean);
    if (!isLive) return this.session.note(parts.join("  "));
    err.write(`\r\x1b[K${parts.join("  ").slice(0, (err.columns ?? 80) - 1)}`);
    this.#isDrawn = true;
  }

  #left(): string {
    const ms = this.#rate.remainingMs;
    return ms === null ? "?" : duration(ms / 1000);
  }

  #summary({ scale, model }: TrainEvent & { kind: "scaleDone" }): string {
    const { size, channels, losses, noiseAmp, seconds } = model.scales[scale]!;
    const parts = [
      `scale ${scale + 1}/${this.scales} done`,
      `${size.width}x${size.height}`,
      `${channels} channels`,
      `noise ${noiseAmp.toFixed(4)}`,
      `reconstruction ${losses.reconstruction.toFixed(4)}`,
      duration(seconds),
    ];
    if (scale + 1 < this.scales) parts.push(`${this.#left()} left`);
    return parts.join("  ");
  }

  /** Takes the bar away. */
  stop(): void {
    if (this.#isDrawn) this.session.err.write("\r\x1b[K");
    this.#isDrawn = false;
  }

  get elapsedSeconds(): number {
    return (this.now() - this.#started) / 1000;
  }
}

function bar(share: number): string {
  const full = Math.round(share * BAR_CELLS);
  return `[${"#".repeat(full)}${".".repeat(BAR_CELLS - full)}]`;
}

const speed = (perSecond: number | null): string => (perSecond === null ? "" : `${perSecond.toPrecision(3)} it/s`);
/** D's without the penalty: the negative of the distance between photo and fakes that it measures. */
const lossText = ({ dReal, dFake, gradientPenalty, gAdversarial, reconstruction }: LossRecord): string =>
  `D ${(dReal + dFake).toFixed(3)}  penalty ${gradientPenalty.toFixed(3)}  G ${gAdversarial.toFixed(3)}  rec ${reconstruction.toFixed(4)}`;

/** "8 s", "3 min 20 s", "2 h 5 min". */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
