// How fast a training runs and when it will be done, from the multiply-adds that it reports.

import type { Work } from "../model/model.ts";

/** The speed is that of the last so many ms, and unknown before it was measured over the least of them. */
const WINDOW_MS = 20_000;
const LEAST_MS = 500;

/** Time and work of one iteration at a scale. */
interface Pace {
  readonly ms: number;
  readonly work: number;
}

/**
 * When a training will be done; `now`, in ms, must stand still during pauses. An iteration takes a fixed time (dispatches: all there is on a fast GPU) plus one for its work, which
 * grows from scale to scale; both follow from the first scale's pace and the present one's, during the first scale from its pace and
 * the forecast. Before anything is measured the forecast alone counts.
 */
export class Eta {
  #scale = 0;
  #work: Work = { done: 0, total: 1 };
  #iteration = 0;
  #moments: { at: number; iteration: number; work: number }[] = [];
  #first: Pace | null = null;
  #last: Pace | null = null;

  constructor(
    private readonly scales: number,
    private readonly iterations: number,
    private readonly forecastMs: number | null,
    private readonly now: () => number,
  ) {}

  begin(scale: number, work: Work): void {
    this.#first ??= this.#last;
    this.#scale = scale;
    this.#work = work;
    this.#iteration = 0;
    this.#moments = [];
  }

  add(iteration: number, work: Work): void {
    const at = this.now();
    this.#work = work;
    this.#iteration = iteration;
    this.#moments.push({ at, iteration, work: work.done });
    while (this.#moments.length > 2 && this.#moments[0]!.at < at - WINDOW_MS) this.#moments.shift();
    const { 0: from, length } = this.#moments;
    const count = iteration - from!.iteration;
    if (length > 1 && at - from!.at >= LEAST_MS)
      this.#last = { ms: (at - from!.at) / count, work: (work.done - from!.work) / count };
  }

  get iterationsPerSecond(): number | null {
    return this.#last && 1000 / this.#last.ms;
  }

  get remainingMs(): number | null {
    const { done, total } = this.#work;
    const last = this.#last;
    if (!last) return this.forecastMs && this.forecastMs * (1 - done / total);
    const all = this.scales * this.iterations;
    const other = this.#first ?? (this.forecastMs === null ? null : { ms: this.forecastMs / all, work: total / all });
    const isOther = other && other.work !== last.work;
    const slope = isOther ? (last.ms - other.ms) / (last.work - other.work) : last.ms / last.work;
    const perWork = Math.min(Math.max(slope, 0), last.ms / last.work);
    const iterations = this.iterations * (this.scales - this.#scale) - this.#iteration;
    return (last.ms - perWork * last.work) * iterations + perWork * (total - done);
  }
}
