// Measures the worker's GPU as `npm run bench` does: one step of the discriminator at two sizes, so that its stored results can be compared.

import { SCALES } from "../../bench/cases.ts";
import { type Effort, Pace } from "../../bench/measure.ts";
import { dStepFlops, timeStep } from "../../bench/steps.ts";
import type { GpuKeeper } from "../gpu/gpu-keeper.ts";
import { Tuner } from "../runtime/tuner.ts";
import { STEPS, type StepSpeed } from "./speed.ts";
import { tuningDatabase } from "./tuning-database.ts";

/** A step that takes longer is not repeated, and a larger one is left out. */
const EFFORT: Effort = { sampleMs: 30, totalMs: 1500, rounds: [3, 25], limitMs: 1500 };
/** Of the time of a step, about this share goes by before its first run: it is compiled. */
const COMPILING = 0.5;
/** Runs that are counted for the progress. */
const USUAL_RUNS = 12;

/** The measurement was ended. */
class Ended extends Error {
  override readonly name = "Ended";
}

export class Measurement {
  #isEnded = false;
  #done: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly keeper: GpuKeeper,
    private readonly onShare: (share: number) => void,
  ) {}

  /** Resolves with the speeds that could be measured; with none where end() was called. */
  run(): Promise<StepSpeed[]> {
    const result = this.#run().catch((error: unknown) => {
      if (error instanceof Ended) return [];
      throw error;
    });
    this.#done = result.catch(() => {});
    return result;
  }

  /** Ends the measurement, and resolves when it uses the GPU no more. */
  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#done;
  }

  async #run(): Promise<StepSpeed[]> {
    const pace = new Pace(EFFORT);
    const speeds: StepSpeed[] = [];
    for (const [index, { scale, shape }] of STEPS.entries()) {
      const tell = (share: number): void => this.onShare((index + share) / STEPS.length);
      tell(0);
      const step = SCALES[scale]!;
      const flops = dStepFlops(step);
      const timing = await pace.attempt(flops, () => this.#time(scale, tell));
      if (typeof timing === "string") continue;
      speeds.push({ shape, perSecond: 1000 / timing.medianMs, gflops: flops / timing.medianMs / 1e6 });
    }
    this.onShare(1);
    return speeds;
  }

  #time(scale: number, tell: (share: number) => void): ReturnType<typeof timeStep> {
    let runs = 0;
    const onRun = (): void => {
      if (this.#isEnded) throw new Ended();
      tell(COMPILING + (1 - COMPILING) * Math.min(1, runs++ / USUAL_RUNS));
    };
    return this.keeper.run(async (gpu) => {
      await Tuner.open(gpu, tuningDatabase); // what was tuned for trainings is used
      return timeStep(gpu, scale, "d", EFFORT, onRun);
    });
  }
}
