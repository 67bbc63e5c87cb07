// What the presets would take on this GPU, told without starting a training. The GPU's speed is measured once, for all who wait for it.

import type { Gpu } from "../gpu/device.ts";
import type { Size } from "../image/planes.ts";
import { OptionError } from "../singan/model/config.ts";
import { PyramidError } from "../singan/model/pyramid.ts";
import { planTraining, recipeOf } from "../singan/recipes.ts";
import { MemoryError, type TrainingPlan } from "../singan/training/plan.ts";
import { forecastSeconds, measureSpeed, type Speed } from "../singan/training/presets.ts";
import type { PageGpu } from "./page-gpu.ts";
import { type FormOptions, OFFERED, type OfferedPreset, type PresetChoice, type Refusal, type Report } from "./protocol.ts";

/** Nobody waits for a result any more. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/** One measurement. It ends soon after the last of those who wait for it has left. */
class SpeedTest {
  waiting = 0;
  readonly speed: Promise<Speed>;

  constructor(
    readonly gpu: Gpu,
    onTiming: (share: number) => void,
    onLeft: () => void,
  ) {
    // A microtask later, when the first one waits.
    this.speed = Promise.resolve().then(() =>
      measureSpeed(gpu, (share) => {
        if (this.waiting === 0) {
          onLeft();
          throw new Stopped();
        }
        onTiming(share);
      }),
    );
    this.speed.catch(() => {}); // those who wait hear of it
  }
}

/** A visitor's choice as the library has it: auto is left to it, which takes the given options alone where they are enough. */
export const wantedPlan = (preset: PresetChoice, options: FormOptions) => ({
  preset: preset === "auto" ? undefined : preset,
  options,
});

/** Whether the GPU's speed decides what a training will be. */
export const picksBySpeed = (preset: PresetChoice, { maxSize, iterations }: FormOptions): boolean =>
  preset === "auto" && (maxSize === undefined || iterations === undefined);

/** What forecasts are made for; `chosen` has these options, and the other presets none. */
interface Wanted {
  readonly photo: Size;
  readonly chosen: OfferedPreset;
  readonly options: FormOptions;
}

interface Asked extends Wanted {
  readonly gpu: Gpu;
  readonly signal: AbortSignal;
  /** Those that are made: counting the memory of one takes a while. */
  readonly plans: Map<OfferedPreset, TrainingPlan | Refusal>;
}

export class Forecasts {
  readonly #speeds = new WeakMap<Gpu, Speed>();
  #test: SpeedTest | null = null;
  #wanted = new AbortController();

  constructor(
    private readonly gpu: PageGpu,
    private readonly post: (report: Report) => void,
  ) {}

  /** The speed of a GPU where it was measured; else null. */
  known(gpu: Gpu): Speed | null {
    return this.#speeds.get(gpu) ?? null;
  }

  /** Measures the speed of a GPU, which takes seconds; reports `timing` meanwhile. `signal` ends the wait at once: it rejects with Stopped. */
  async measure(gpu: Gpu, signal: AbortSignal): Promise<Speed> {
    const known = this.known(gpu);
    if (known) return known;
    if (this.#test?.gpu !== gpu) this.#test = this.#begin(gpu);
    const test = this.#test;
    test.waiting++;
    try {
      const speed = await unlessStopped(test.speed, signal);
      this.#speeds.set(gpu, speed);
      return speed;
    } finally {
      test.waiting--;
    }
  }

  #begin(gpu: Gpu): SpeedTest {
    const leave = (): void => {
      if (this.#test === test) this.#test = null;
    };
    const test: SpeedTest = new SpeedTest(gpu, (share) => this.post({ kind: "timing", share }), leave);
    test.speed.finally(leave).catch(() => {});
    return test;
  }

  /** Reports the forecasts of all presets for a photo of this size: first without times where the GPU's speed is not known. */
  async tell({ photo, chosen, options }: Wanted): Promise<void> {
    this.cancel();
    const { signal } = this.#wanted;
    try {
      await this.gpu.run(async (gpu) => {
        const asked: Asked = { gpu, photo, chosen, options, signal, plans: new Map() };
        if (!this.known(gpu)) await this.#tellAll(asked);
        await this.measure(gpu, signal);
        await this.#tellAll(asked);
      });
    } catch (error) {
      if (!(error instanceof Stopped)) throw error;
    }
  }

  cancel(): void {
    this.#wanted.abort(new Stopped());
    this.#wanted = new AbortController();
  }

  async #tellAll(asked: Asked): Promise<void> {
    for (const preset of OFFERED) {
      const report = await this.#forecast(asked, preset);
      await new Promise((resolve) => setTimeout(resolve)); // messages come in between
      asked.signal.throwIfAborted();
      if (report) this.post({ kind: "forecast", ...report });
    }
  }

  async #forecast({ gpu, photo, chosen, options: given, plans }: Asked, preset: OfferedPreset) {
    const options = preset === chosen ? given : {};
    const speed = this.known(gpu);
    if (picksBySpeed(preset, options) && !speed) return null;
    try {
      const plan = plans.get(preset) ?? (await planTraining(gpu, photo, wantedPlan(preset, options), { speed, measures: false }));
      if ("reason" in plan) return plan;
      plans.set(preset, plan);
      const outline = { recipe: recipeOf(plan.options), options: plan.options, pyramid: plan.pyramid };
      const seconds = speed && forecastSeconds(speed, outline);
      return { preset, size: plan.pyramid.sizes.at(-1)!, bytes: plan.bytes, seconds };
    } catch (error) {
      const isTooHeavy = error instanceof MemoryError;
      if (!isTooHeavy && !(error instanceof OptionError || error instanceof PyramidError)) throw error;
      const refusal = { preset, reason: error.message, isTooHeavy };
      plans.set(preset, refusal);
      return refusal;
    }
  }
}

/** What `work` resolves with, or a rejection with Stopped as soon as `signal` is aborted. */
function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  return Promise.race([work, stopped]);
}
