// A training as the commands run it: options chosen for this computer, memory checked, kernels tuned, progress shown.

import type { Gpu } from "../gpu/device.ts";
import type { Planes } from "../image/planes.ts";
import {
  inRecipe,
  PAPER,
  PRESETS,
  type PresetName,
  resolveOptions,
  type Size,
  type TrainOptions,
} from "../singan/model/config.ts";
import type { AnyModel, Preview } from "../singan/model/model.ts";
import { pyramidOf } from "../singan/model/pyramid.ts";
import { chooseAuto, forecastSeconds, measureSpeed, type Speed } from "../singan/training/presets.ts";
import { macsPerIteration, train } from "../singan/training/train.ts";
import { type Args, type Flag, UsageError } from "./args.ts";
import { megabytes, requireMemory } from "./memory.ts";
import { duration, Progress } from "./progress.ts";
import type { Session } from "./session.ts";
import { sizeText } from "./sizes.ts";
import { givenOptions, inFlags } from "./train-options.ts";
import { scalesOf, tuneFor } from "./tuning.ts";

const presetNames = ["auto", ...Object.keys(PRESETS)];

export const PRESET_FLAG: Flag = {
  name: "preset",
  value: "NAME",
  help: `where the options come from: ${presetNames.join(", ")} (default: auto)`,
};

export const PRESET_DETAILS =
  "The preset auto times a few steps on this computer's GPU, picks what is done in reasonable time, and says\n" +
  "what and how long that takes before it starts. Flags under Options override a preset's values. With both\n" +
  "--max-size and --iterations, and no --preset, all other values are the paper's, and only a long training is timed.";

/** What a call asks for. */
export interface Asked {
  readonly preset: PresetName | "auto";
  /** Whether the preset was named, not assumed. */
  readonly isNamed: boolean;
  /** Options that flags or the command set, whatever the preset. */
  readonly fixed: Partial<TrainOptions>;
}

/** Reads the preset and the option flags; `own` are the command's, which flags override. Throws UsageError. */
export function readAsked(args: Args, own: Partial<TrainOptions> = {}): Asked {
  const given = givenOptions(args);
  const name = args.text("preset");
  const preset = name ?? (given.maxSize !== undefined && given.iterations !== undefined ? "paper" : "auto");
  if (!presetNames.includes(preset))
    throw new UsageError(
      `--preset must be ${presetNames.slice(0, -1).join(", ")} or ${presetNames.at(-1)}, not ${JSON.stringify(preset)}`,
    );
  return { preset: preset as Asked["preset"], isNamed: name !== undefined, fixed: { ...own, ...given } };
}

/** Refuses, before the GPU is opened, what can't be trained; auto takes what the paper's size can hold. Throws UsageError, PyramidError. */
export function requireTrainable(photo: Size, { preset, fixed }: Asked): void {
  pyramidOf(
    photo,
    inFlags(() =>
      resolveOptions({ ...inRecipe(preset === "auto" ? PAPER : PRESETS[preset], fixed.recipe ?? "singan"), ...fixed }),
    ),
  );
}

export interface Chosen {
  readonly preset: string;
  readonly options: TrainOptions;
  readonly forecastSeconds: number | null;
}

export interface Trained extends Chosen {
  readonly model: AnyModel;
  /** Of every scale. */
  readonly previews: readonly Preview[];
  readonly seconds: number;
}

/** Trains one photo after another on one GPU, which is timed once. */
export class Trainer {
  #speed: Speed | null = null;

  constructor(
    readonly gpu: Gpu,
    private readonly asked: Asked,
    private readonly session: Session,
  ) {}

  /** Throws where the photo can't be trained, or not here. `announce` is told the finest size before the training begins. */
  async train(photo: Planes, announce?: (finest: Size) => void): Promise<Trained> {
    const chosen = await this.#choose(photo);
    const { sizes } = pyramidOf(photo, chosen.options);
    announce?.(sizes.at(-1)!);
    await tuneFor(this.gpu, this.session, scalesOf(sizes, chosen.options));
    return { ...chosen, ...(await this.#watch(photo, chosen)) };
  }

  /** The options to train with; says what they are, and how long that takes where it was timed. */
  async #choose({ width, height }: Size): Promise<Chosen> {
    const { gpu, session } = this;
    const { preset, isNamed, fixed } = this.asked;
    const photo = { width, height };
    const asked =
      preset === "auto"
        ? null
        : inFlags(() => resolveOptions({ ...inRecipe(PRESETS[preset], fixed.recipe ?? "singan"), ...fixed }));
    const isTimed = asked === null || isNamed || isLong(photo, asked);
    if (isTimed) this.#speed ??= await this.#time();
    const auto = asked ? null : await inFlagsAsync(() => chooseAuto(gpu, photo, fixed, this.#speed));
    const options = asked ?? inFlags(() => resolveOptions(auto!.options));
    const { sizes } = pyramidOf(photo, options);
    const forecast = isTimed ? forecastSeconds(this.#speed!, photo, options) : null;
    const bytes = await requireMemory(gpu, photo, options);
    const name = auto?.preset ?? preset;
    const isChanged = Object.keys(fixed).some((field) => field !== "seed");
    session.note(
      `${auto ? "auto picks " : ""}${name}${isChanged ? " with other options" : ""}: ` +
        `${sizes.length} scale${sizes.length === 1 ? "" : "s"} up to ${sizeText(sizes.at(-1)!)}, ` +
        `${options.iterations} iterations each, ${options.channels} channels; ` +
        `${megabytes(bytes)} of GPU memory${forecast === null ? "" : `, about ${duration(forecast)}`}`,
    );
    return { options, preset: auto ? `auto: ${name}` : name, forecastSeconds: forecast };
  }

  #time(): Promise<Speed> {
    this.session.note("timing a few steps …");
    return measureSpeed(this.gpu);
  }

  /** Trains under a progress display. */
  async #watch(photo: Planes, { options, forecastSeconds: forecast }: Chosen) {
    const { sizes } = pyramidOf(photo, options);
    const setup = { scales: sizes.length, iterations: options.iterations, forecastSeconds: forecast };
    const progress = new Progress(this.session, setup);
    const previews: Preview[] = [];
    const events = train(this.gpu, photo, options);
    for (;;) {
      const { done, value } = await events.next();
      if (done) return { model: value, previews, seconds: progress.elapsedSeconds };
      progress.show(value);
      if (value.kind === "scaleDone") previews.push(value.preview);
    }
  }
}

async function inFlagsAsync<T>(check: () => Promise<T>): Promise<T> {
  const result = await check().then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  return inFlags(() => {
    if ("error" in result) throw result.error;
    return result.value;
  });
}

/** From so many multiply-adds on a training is timed and forecast in any case: some minutes without a GPU. */
const LONG_MACS = 1e12;

function isLong(photo: Size, options: TrainOptions): boolean {
  const { sizes } = pyramidOf(photo, options);
  return sizes.reduce((sum, _, scale) => sum + macsPerIteration(scale, sizes, options) * options.iterations, 0) > LONG_MACS;
}
