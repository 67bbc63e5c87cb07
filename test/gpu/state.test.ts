// A training's state, taken between two iterations and given to another training: the rest has the same bits.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Gpu } from "../../src/gpu/device.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { type Draft, Program } from "../../src/runtime/program.ts";
import type { TrainOptions } from "../../src/singan/model/config.ts";
import type { AnyModel, Preview } from "../../src/singan/model/model.ts";
import { buildPyramid } from "../../src/singan/model/pyramid.ts";
import { recipeOf, resolveOptions, train } from "../../src/singan/recipes.ts";
import type { LossBlock } from "../../src/singan/training/feeds.ts";
import { LevelTrainer, MAX_BATCH } from "../../src/singan/training/level-trainer.ts";
import type { TrainingState } from "../../src/singan/training/recipe.ts";
import type { TrainEvent } from "../../src/singan/training/train.ts";
import { TINY, tinyPhoto } from "../tiny-training.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openDevice(await openAdapter());
});
afterAll(() => gpu.dispose());

interface Run {
  readonly model: AnyModel;
  /** After every iteration, and before every scale but the first. */
  readonly states: readonly TrainingState[];
  readonly previews: readonly Preview[];
}

/** Trains to the end, one iteration per submit, keeping every state. */
async function run(options: Partial<TrainOptions>, from?: TrainingState): Promise<Run> {
  const training = train(gpu, tinyPhoto(), options, { from, keeps: () => true, maxBatch: 1 });
  const states: TrainingState[] = [];
  const previews: Preview[] = [];
  for (;;) {
    const step = await training.next();
    if (step.done) return { model: step.value, states, previews };
    const event: TrainEvent = step.value;
    const isEnd = event.kind === "scaleDone" && event.state.level === event.model.sizes.length;
    if (event.kind !== "scale" && event.state && !isEnd) states.push(event.state);
    if (event.kind === "scaleDone") previews.push(event.preview);
  }
}

/** Everything but the times, which differ from run to run. */
const timeless = (value: AnyModel | TrainingState): unknown =>
  "scales" in value
    ? { ...value, scales: value.scales.map((scale) => ({ ...scale, seconds: 0 })) }
    : { ...value, seconds: 0, model: timeless(value.model) };

const momentOf = ({ level, trainer }: TrainingState): string => `${level}/${trainer?.iteration ?? "not begun"}`;

const CONSINGAN: Partial<TrainOptions> = {
  recipe: "consingan",
  ...{ maxSize: 24, minSize: 12, stages: 3, trainedStages: 2, lrScale: 0.5, iterations: 3, channels: 4, seed: 5 },
};
const cases: [name: string, options: Partial<TrainOptions>, moments: string[]][] = [
  ["singan, the defaults", TINY, ["0/1", "0/2", "0/3", "1/not begun", "1/1", "1/2", "1/3"]],
  [
    "singan with running statistics, kept fakes and noise padding",
    { ...TINY, statistics: "running", gStep: "replay", noisePadding: true },
    ["0/1", "0/2", "0/3", "1/not begun", "1/1", "1/2", "1/3"],
  ],
  ["singan with one z*", { ...TINY, zStar: "fixed", iterations: 1 }, ["0/1", "1/not begun", "1/1"]],
  ["consingan", CONSINGAN, ["0/1", "0/2", "0/3", "1/not begun", "1/1", "1/2", "1/3", "2/not begun", "2/1", "2/2", "2/3"]],
];

describe.each(cases)("%s", (_, options, moments) => {
  let whole: Run;
  beforeAll(async () => {
    whole = await run(options);
  });

  test("a state is kept after every iteration, and keeping it changes nothing", async () => {
    expect(whole.states.map(momentOf)).toEqual(moments);
    const training = train(gpu, tinyPhoto(), options);
    let step = await training.next();
    while (!step.done) step = await training.next();
    expect(timeless(step.value)).toEqual(timeless(whole.model));
  });

  test.each(moments)("from %s on: the same model, states and pictures", async (moment) => {
    const before = gpu.stats();
    const at = whole.states.findIndex((state) => momentOf(state) === moment);
    const rest = await run(options, structuredClone(whole.states[at]!));
    expect(timeless(rest.model)).toEqual(timeless(whole.model));
    expect(rest.states.map(timeless)).toEqual(whole.states.slice(at + 1).map(timeless));
    expect(rest.previews).toEqual(whole.previews.slice(whole.states[at]!.level));
    const { buffers, bytes } = gpu.stats();
    expect({ buffers, bytes }).toEqual({ buffers: before.buffers, bytes: before.bytes });
  });
});

test("a state misses nothing: without any one of its tensors, or with another one's moments, the rest differs or is refused", async () => {
  const options = { ...TINY, averageOver: 1 };
  const { states, model } = await run(options);
  const state = states[4]!; // the first iteration of the second scale
  const tensors = state.trainer!.tensors;
  const prefixes = [...new Set([...tensors.keys()].map((name) => name.replace(/ \S+$/, "")))];
  expect(prefixes).toEqual(["G", "G m", "G v", "D", "D m", "D v", "statistics", "G average"]);
  const replaced = (prefix: string) => {
    const zeros = [...tensors].map(
      ([name, values]) => [name, name.startsWith(`${prefix} `) ? values.map(() => 0) : values] as const,
    );
    return { ...state, trainer: { ...state.trainer!, tensors: new Map(zeros) } };
  };
  // Recalibration replaces the statistics at the end of the scale.
  for (const prefix of prefixes.filter((name) => name !== "statistics"))
    expect(timeless((await run(options, replaced(prefix))).model), prefix).not.toEqual(timeless(model));
  const [first] = tensors.keys();
  const missing = { ...state.trainer!, tensors: new Map([...tensors].filter(([name]) => name !== first)) };
  await expect(run(options, { ...state, trainer: missing })).rejects.toThrow("no bytes instead of");
});

test("a GPU that is closed during a training: an error that says so", async () => {
  const own = await openDevice(await openAdapter());
  const training = train(own, tinyPhoto(), { ...TINY, iterations: 50 });
  let step = await training.next();
  for (let i = 0; i < 2; i++) step = await training.next();
  own.dispose();
  const rest = async () => {
    while (!step.done) step = await training.next();
  };
  await expect(rest()).rejects.toThrow("the GPU was closed while it was in use");
});

test("the state at the end of a training: nothing is left to do", async () => {
  const training = train(gpu, tinyPhoto(), TINY);
  let last: TrainingState | null = null;
  let step = await training.next();
  for (; !step.done; step = await training.next()) if (step.value.kind === "scaleDone") last = step.value.state;
  const again = await train(gpu, tinyPhoto(), TINY, { from: last! }).next();
  expect(again).toEqual({ done: true, value: step.value });
});

test("the seconds of a scale go on where they stopped", async () => {
  const { states } = await run(TINY);
  const { model } = await run(TINY, { ...states[4]!, seconds: 1000 });
  expect(Math.floor(model.scales[1]!.seconds / 1000)).toBe(1);
  expect(model.scales[0]!.seconds).toBe(states[4]!.model.scales[0]!.seconds);
});

test.each([TINY, { ...TINY, zStar: "fixed" as const }, CONSINGAN])(
  "a trainer from a state makes the same previews before its first iteration: %o",
  async (some) => {
    const options = resolveOptions(some);
    const recipe = recipeOf(options);
    const pyramid = recipe.pyramid(tinyPhoto(), options);
    const course = recipe.begin(gpu, { options, pyramid, reals: buildPyramid(tinyPhoto(), pyramid) });
    const first = await course.open(0);
    const noiseAmp = await first.measureNoiseAmp();
    for await (const _ of first.run());
    const wanted = await first.preview(9);
    const second = await course.open(0, { iteration: options.iterations, noiseAmp, tensors: await first.readTensors() });
    expect(await second.preview(9)).toEqual(wanted);
    for (const one of [first, second, course]) one.dispose();
  },
);

/** Counts the iterations that were submitted, in place of computing. */
class Counter extends LevelTrainer<never> {
  submitted = 0;
  protected scoresOf(): never {
    throw new Error("not asked for here");
  }
  override readonly losses = {
    read: async () => ({
      losses: { dReal: this.submitted, dFake: 0, gradientPenalty: 0, gAdversarial: 0, reconstruction: 0 },
      bad: null,
    }),
  } as unknown as LossBlock;
  protected override readonly programs = { check: new Program({} as Draft, []) } as LevelTrainer["programs"];
  protected override readonly learning = {};

  constructor(on: Gpu) {
    super(on, "counter", 0, { width: 1, height: 1, data: new Float32Array(3) }, resolveOptions({ iterations: 500 }));
  }
  override iteration(at: number) {
    this.submitted = at + 1;
    return [];
  }
  override readTensors = async () => new Map([["submitted", Float32Array.of(this.submitted)]]);
  protected upload(): void {}
  protected async compile(): Promise<void> {}
  protected steps() {
    return [];
  }
  async measureNoiseAmp() {
    return 1;
  }
  async stateDicts() {
    return { generator: new Map(), discriminator: new Map() };
  }
}

test("large batches: never more than the limit, and a kept state is that of its own batch", async () => {
  const trainer = new Counter(gpu.dryRun(false)); // computes nothing, so batches grow as fast as they may
  const ends: number[] = [];
  const kept: number[] = [];
  for await (const { iteration, losses, tensors } of trainer.run({ maxBatch: 1000, keeps: (at) => at > 250 })) {
    ends.push(iteration);
    expect(losses.dReal).toBe(iteration);
    if (tensors) {
      kept.push(iteration);
      expect(tensors.get("submitted")![0]).toBe(iteration);
    }
  }
  expect(Math.max(...ends.map((end, i) => end - (ends[i - 1] ?? 0)))).toBe(MAX_BATCH);
  expect(kept).toEqual(ends.filter((end) => end > 250));
  expect(ends.at(-1)).toBe(500);
});
