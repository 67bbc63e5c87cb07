// Writes NaN into what a training computes, at several places: it goes back to its last good state and finishes, or ends with one clear reason.

import type { Gpu, Slice } from "../../src/gpu/device.ts";
import { GpuKeeper } from "../../src/gpu/gpu-keeper.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import type { Leaves } from "../../src/runtime/flat-buffer.ts";
import { openDevice } from "../../src/runtime/open.ts";
import type { ParamSet } from "../../src/runtime/param-set.ts";
import { type AnyModel, LOSSES } from "../../src/singan/model/model.ts";
import { recipeOf, resolveOptions } from "../../src/singan/recipes.ts";
import { DivergedError, type LevelTrainer } from "../../src/singan/training/level-trainer.ts";
import type { TrainingRecipe } from "../../src/singan/training/recipe.ts";
import { trainBy } from "../../src/singan/training/train.ts";
import { type SetbackEvent, toEnd } from "../../src/singan/training/train-to-end.ts";
import { attempt, type Row, require } from "./row.ts";
import { TINY, tinyPhoto } from "./tiny.ts";

const OPTIONS = {
  singan: TINY,
  consingan: {
    ...{ recipe: "consingan", stages: 3, trainedStages: 2, lrScale: 0.5 },
    ...{ maxSize: 24, minSize: 12, iterations: 6, channels: 4, seed: 5 },
  },
} as const;

interface Place {
  readonly recipe: keyof typeof OPTIONS;
  /** Before the last program of this iteration, counted from 0. */
  readonly level: number;
  readonly at: number;
  readonly part: "G" | "D" | "loss";
  /** Weights, or Adam's moments. */
  readonly what?: "values" | "m" | "v";
}

const PLACES: readonly Place[] = [
  { recipe: "singan", level: 0, at: 0, part: "G", what: "values" },
  { recipe: "consingan", level: 0, at: 1, part: "G", what: "values" },
  { recipe: "singan", level: 1, at: 5, part: "D", what: "values" },
  { recipe: "singan", level: 0, at: 4, part: "loss" },
  { recipe: "singan", level: 1, at: 2, part: "G", what: "m" },
  { recipe: "singan", level: 0, at: 3, part: "G", what: "v" },
  { recipe: "singan", level: 1, at: 0, part: "D", what: "m" },
  { recipe: "consingan", level: 2, at: 3, part: "D", what: "v" },
  { recipe: "consingan", level: 1, at: 0, part: "loss" },
  { recipe: "consingan", level: 2, at: 5, part: "G", what: "m" },
];

type Learning = Readonly<Record<string, ParamSet | Leaves>>;

/** The first value of a place, where it lies on the GPU. */
function sliceOf(trainer: LevelTrainer, { part, what }: Place): Slice {
  if (part === "loss") return { ...trainer.losses.flag, offset: 0, bytes: 4 };
  const { learning } = trainer as unknown as { readonly learning: Learning };
  // A stage of ConSinGAN learns parts of its generator, each with a name of its own.
  const name = Object.keys(learning).find((key) => (part === "D") === (key === "D"))!;
  const { values, m, v } = learning[name] as ParamSet;
  const { buffer, offset } = { values: values.storage, m, v }[what!].whole;
  return { buffer, offset, bytes: 4 };
}

/** The recipe, but a NaN is copied to the place: the first `times` that the training comes there. */
function injected(recipe: TrainingRecipe, place: Place, times: number): TrainingRecipe {
  let left = times;
  const inject = (gpu: Gpu, trainer: LevelTrainer) => {
    const nan = gpu.upload(new Float32Array(4).fill(Number.NaN), "NaN");
    const [iteration, dispose] = [trainer.iteration.bind(trainer), trainer.dispose.bind(trainer)];
    trainer.iteration = (at) => {
      const runs = iteration(at);
      if (at !== place.at || left-- <= 0) return runs;
      const last = runs.at(-1)!;
      return [...runs.slice(0, -1), { ...last, before: [...last.before, { from: nan, to: sliceOf(trainer, place) }] }];
    };
    trainer.dispose = () => {
      dispose();
      gpu.free(nan);
    };
  };
  return {
    ...recipe,
    begin(gpu, setup, finished) {
      const course = recipe.begin(gpu, setup, finished);
      const open = course.open.bind(course);
      course.open = async (level, state) => {
        const trainer = await open(level, state);
        if (level === place.level && gpu.original === gpu) inject(gpu, trainer);
        return trainer;
      };
      return course;
    },
  };
}

/** Trains with NaN at a place. Returns the model and the setbacks on the way. */
async function train(keeper: GpuKeeper, place: Place, times: number, setbacks: SetbackEvent[]): Promise<AnyModel> {
  const options = resolveOptions(OPTIONS[place.recipe]);
  const recipe = injected(recipeOf(options), place, times);
  const training = toEnd(keeper, (gpu, control) => trainBy(gpu, recipe, tinyPhoto(), options, control), {
    keepMs: 0,
    maxBatch: 1,
  });
  for (;;) {
    const { done, value } = await training.next();
    if (done) return value;
    if (value.kind === "setback") setbacks.push(value);
  }
}

function requireFinite(model: AnyModel): void {
  require(model.scales.length === model.sizes.length, `only ${model.scales.length} of ${model.sizes.length} levels are finished`);
  const nets = "zStar" in model ? model.scales : [model];
  const values = nets.flatMap(({ generator, discriminator }) => [...generator.values(), ...discriminator.values()]);
  require(values.every((one) => one.every(Number.isFinite)), "the model has values that are no numbers");
  require(model.scales.every(({ losses }) => LOSSES.every((name) => Number.isFinite(losses[name]))), "a loss is no number");
}

async function requireRecovery(keeper: GpuKeeper, place: Place): Promise<void> {
  const setbacks: SetbackEvent[] = [];
  requireFinite(await train(keeper, place, 1, setbacks));
  require(setbacks.length === 1, `${setbacks.length} setbacks instead of 1`);
  const { reason, message, scale, iteration } = setbacks[0]!;
  require(reason === "diverged" && / is not a number$/.test(message), `the reason is: ${message}`);
  require(scale === place.level && iteration === place.at, `it went back to scale ${scale}, iteration ${iteration}`);
}

async function requireReason(keeper: GpuKeeper, place: Place): Promise<void> {
  const setbacks: SetbackEvent[] = [];
  const outcome = await train(keeper, place, Number.POSITIVE_INFINITY, setbacks).catch((error: unknown) => error);
  require(outcome instanceof DivergedError, `with NaN every time it ended with ${outcome}`);
  require(setbacks.length === 3, `with NaN every time it went back ${setbacks.length} times`);
  const { message } = outcome as Error;
  const where = new RegExp(
    `^\\w+ ${place.level}, iteration ${place.at + 1}: .* is not a number, and it went wrong 4 times: try [^\\n]*$`,
  );
  require(where.test(message), `the fourth reason is: ${message}`);
}

export const nonFinite: Row = {
  name: "NaN in weights, moments and losses: once, then every time",
  count: PLACES.length,
  async run(count) {
    const keeper = new GpuKeeper(async () => openDevice(await openAdapter()));
    try {
      const failures: string[] = [];
      for (const place of PLACES.slice(0, count)) {
        const { recipe, level, at, part, what = "" } = place;
        const one = await attempt(`${recipe}, level ${level}, iteration ${at}, ${part} ${what}`, async () => {
          await requireRecovery(keeper, place);
          await requireReason(keeper, place);
          const { buffers } = (await keeper.get()).stats();
          require(buffers === 0, `${buffers} buffers are left`);
        });
        failures.push(...one);
      }
      return failures;
    } finally {
      keeper.dispose();
    }
  },
};
