// Checkpoints: what is written comes back bit for bit, damage is detected, and of two slots the newest valid one wins.

import { describe, expect, test } from "vitest";
import type { Planes, Rgb8 } from "../../src/image/planes.ts";
import { initialWeights } from "../../src/nn/init.ts";
import type { TrainOptions } from "../../src/singan/model/config.ts";
import type { AnyModel } from "../../src/singan/model/model.ts";
import { readModelFile, writeModelFile } from "../../src/singan/model/model-file.ts";
import { openCheckpoints, RECIPES, recipeOf, resolveOptions } from "../../src/singan/recipes.ts";
import {
  type Checkpoint,
  CheckpointError,
  readCheckpointFile,
  writeCheckpointFile,
} from "../../src/singan/training/checkpoint.ts";
import type { Slot, SlotStore } from "../../src/singan/training/checkpoints.ts";
import { TINY } from "../tiny-training.ts";

const photo: Rgb8 = { width: 4, height: 3, data: Uint8Array.from({ length: 36 }, (_, i) => 7 * i) };
const CONSINGAN: Partial<TrainOptions> = { recipe: "consingan", maxSize: 24, minSize: 12, stages: 3, channels: 4 };

/** A state as trainings have it, of made-up values; `level` scales are finished. */
function checkpointAt(given: Partial<TrainOptions>, level: number, isBegun: boolean): Checkpoint {
  const options = resolveOptions(given);
  const recipe = recipeOf(options);
  const pyramid = recipe.pyramid({ width: 31, height: 24 }, options);
  const some = {
    weights: initialWeights,
    draw: (stream: number, count: number) => Float32Array.from({ length: count }, (_, i) => Math.sin(i + stream)),
  };
  const finished = recipe.madeUp(pyramid, Math.min(level, pyramid.sizes.length - 1), options, some);
  const finest = pyramid.sizes.at(-1)!;
  /** As a training makes it: with the zero biases that the made-up networks lack. */
  const complete = (model: AnyModel) => readModelFile(writeModelFile(model, RECIPES, { leastScales: 0 }), RECIPES, 0);
  const whole: Planes = { ...finest, data: new Float32Array(3 * finest.width * finest.height) };
  const tensors = new Map([
    ["G head.conv.weight", Float32Array.of(1.5, -0, 3e-39)],
    ["D m tail.bias", Float32Array.of(2)],
  ]);
  const losses = { dReal: -0.1, dFake: 0.2, gradientPenalty: 1e-9, gAdversarial: 0.3, reconstruction: 1 / 3 };
  return {
    state: {
      ...{
        ...finished,
        model: complete({ ...finished.model, photo: whole }),
        level: finished.model.scales.length,
        noiseStream: 2,
      },
      trainer: isBegun ? { iteration: 2, noiseAmp: 0.1 + 0.2, tensors } : null,
      ...(isBegun ? { losses, seconds: 1.25 } : { losses: null, seconds: 0 }),
    },
    pictures: new Map([["photo", photo]]),
    facts: { preset: "auto", list: [1, null] },
  };
}

const states: [string, Checkpoint][] = [
  ["singan, before anything", checkpointAt(TINY, 0, false)],
  ["singan, in the first scale", checkpointAt(TINY, 0, true)],
  ["singan, in the second scale", checkpointAt(TINY, 1, true)],
  ["sr, in the second scale", checkpointAt({ ...TINY, recipe: "sr" }, 1, true)],
  ["consingan, before anything", checkpointAt(CONSINGAN, 0, false)],
  ["consingan, in the third stage", checkpointAt(CONSINGAN, 2, true)],
];

test.each(states)("%s: written and read again", async (_, checkpoint) => {
  const bytes = await writeCheckpointFile(checkpoint, 7, RECIPES);
  expect(await readCheckpointFile(bytes, RECIPES)).toEqual({ ...checkpoint, sequence: 7 });
  expect(await writeCheckpointFile(checkpoint, 7, RECIPES)).toEqual(bytes);
});

describe("damage", () => {
  test("a flipped bit or a lost end anywhere is detected", async () => {
    const bytes = await writeCheckpointFile(states[2]![1], 7, RECIPES);
    for (let i = 0; i < 200; i++) {
      const at = Math.floor((i * bytes.length) / 200);
      const flipped = bytes.slice();
      flipped[at]! ^= 1 << (i % 8);
      await expect(readCheckpointFile(flipped, RECIPES), `bit of byte ${at}`).rejects.toThrow(CheckpointError);
      await expect(readCheckpointFile(bytes.slice(0, at), RECIPES), `${at} bytes`).rejects.toThrow(CheckpointError);
    }
  });

  test("another version is named", async () => {
    const bytes = await writeCheckpointFile(states[2]![1], 7, RECIPES);
    const text = new TextDecoder("latin1").decode(bytes).replace('"version":"1"', '"version":"2"');
    const other = Uint8Array.from(text, (c) => c.charCodeAt(0));
    await expect(readCheckpointFile(other, RECIPES)).rejects.toThrow("of version 2, and this program reads version 1");
  });
});

describe("two slots", () => {
  const [old, newer] = [states[1]![1], states[2]![1]];
  function memory(...slots: (Uint8Array<ArrayBuffer> | null)[]) {
    const written: Slot[] = [];
    let isFull = false;
    const store: SlotStore = {
      read: async (slot) => slots[slot] ?? null,
      async write(slot, bytes) {
        if (isFull) throw new Error("the disk is full");
        written.push(slot);
        slots[slot] = bytes;
      },
      async clear() {
        slots.fill(null);
      },
    };
    return { store, slots, written, fill: (full: boolean) => (isFull = full) };
  }
  const fail = (why: string) => expect.fail(why);

  test("are written in turn, and the newest is found, also by the next run", async () => {
    const { store, written, slots } = memory();
    const first = await openCheckpoints(store, fail);
    expect(first.found).toBeNull();
    for (const one of [old, old, newer]) await first.add(one, true);
    expect(written).toEqual([0, 1, 0]);
    const second = await openCheckpoints(store, fail);
    expect(second.found).toEqual(newer);
    await second.add(old, true);
    expect(written).toEqual([0, 1, 0, 1]);
    expect((await openCheckpoints(store, fail)).found).toEqual(old);
    await second.clear();
    expect(slots).toEqual([null, null]);
  });

  test("a damaged newest: the older one, and one line", async () => {
    const [a, b] = [await writeCheckpointFile(old, 3, RECIPES), await writeCheckpointFile(newer, 4, RECIPES)];
    b[b.length - 3]! ^= 1;
    const lines: string[] = [];
    const { store, written } = memory(a, b);
    const checkpoints = await openCheckpoints(store, (why) => lines.push(why));
    expect(checkpoints.found).toEqual(old);
    expect(lines).toEqual(["damaged: its SHA-256 does not fit its contents"]);
    await checkpoints.add(newer, true);
    expect(written).toEqual([1]); // not over the only valid one
    const torn = memory(a.slice(0, 100), null).store;
    await expect(openCheckpoints(torn, fail)).rejects.toThrow(CheckpointError);
  });

  test("is written when it is due, or asked for; a full disk is told, and tried again", async () => {
    const { store, written, fill } = memory();
    const checkpoints = await openCheckpoints(store, fail);
    await checkpoints.add(old, false);
    expect(written).toEqual([]);
    await checkpoints.save();
    await checkpoints.save();
    expect(written).toEqual([0]);
    fill(true);
    await expect(checkpoints.add(newer, true)).rejects.toThrow("full");
    fill(false);
    await checkpoints.save();
    expect(written).toEqual([0, 1]);
    expect((await openCheckpoints(store, fail)).found).toEqual(newer);
  });
});
