// How fast a training runs and when it will be done, from the multiply-adds that it reports.

import type { Work } from "../singan/model.ts";

/** The speed is that of the last so many ms, and unknown before it was measured over the least of them. */
const WINDOW_MS = 20_000;
const LEAST_MS = 500;

interface Rate {
  readonly msPerIteration: number;
  readonly workPerIteration: number;
}

/**
 * An iteration takes a fixed time (all there is on a fast GPU) plus one for its work, which grows from scale to scale; both follow from
 * the first scale's rate and the present one's. `now` must stand still during pauses.
 */
export class Pace {
  #first: Rate | null = null;
  #last: Rate | null = null;
  #scale = 0;
  #moments: { at: number; iteration: number; done: number }[] = [];

  constructor(
    private readonly scales: number,
    private readonly iterations: number,
    private readonly now: () => number,
  ) {}

  begin(scale: number): void {
    this.#first ??= this.#last;
    this.#scale = scale;
    this.#moments = [];
  }

  /** After an iteration of the scale: speed, and the time that the whole training still takes; null while unknown. */
  add(iteration: number, { done, total }: Work): { iterationsPerSecond: number | null; remainingSeconds: number | null } {
    const at = this.now();
    this.#moments.push({ at, iteration, done });
    while (this.#moments.length > 2 && this.#moments[0]!.at < at - WINDOW_MS) this.#moments.shift();
    const from = this.#moments[0]!;
    const count = iteration - from.iteration;
    if (count > 0 && at - from.at >= LEAST_MS) {
      this.#last = { msPerIteration: (at - from.at) / count, workPerIteration: (done - from.done) / count };
    }
    const [first, last] = [this.#first, this.#last];
    if (!last) return { iterationsPerSecond: null, remainingSeconds: null };
    const proportional = last.msPerIteration / last.workPerIteration;
    const grown = first ? last.workPerIteration - first.workPerIteration : 0;
    const slope = grown > 0 ? (last.msPerIteration - first!.msPerIteration) / grown : proportional;
    const perWork = Math.min(Math.max(slope, 0), proportional);
    const fixed = last.msPerIteration - perWork * last.workPerIteration;
    const iterations = this.iterations * (this.scales - this.#scale) - iteration;
    return {
      iterationsPerSecond: 1000 / last.msPerIteration,
      remainingSeconds: (fixed * iterations + perWork * (total - done)) / 1000,
    };
  }
}
