// The way of one picture from coarse to fine, computed once for all panels that show it.

import type { GrowReply } from "../features/explain/messages.ts";
import type { Place } from "../features/feature.ts";

export class Growth {
  readonly steps: GrowReply[] = [];
  /** Null as long as no picture is wanted. */
  #seed: number | null = null;

  /** `onStep` is called whenever there is one more step, or the steps of another picture. */
  constructor(
    private readonly run: Place["run"],
    private readonly onStep: (growth: Growth) => void,
  ) {}

  get isWanted(): boolean {
    return this.#seed !== null;
  }

  /** Computes the steps of the picture of a seed, unless that has begun already. */
  want(seed: number): void {
    if (seed === this.#seed) return;
    this.#seed = seed;
    this.steps.length = 0;
    void this.run("grow", { seed }, (step) => {
      this.steps[step.scale] = step;
      this.onStep(this);
    }).then((isDone) => {
      if (!isDone && seed === this.#seed) this.#seed = null; // another try when it is wanted again
    });
  }
}
