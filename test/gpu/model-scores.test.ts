// A look into tiny models: the discriminators' scores against the f64 reference, and a picture at every stage of its path.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { leaf, type Shape, type Tensor } from "../../src/autodiff/tensor.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import { isSameSize, type Planes } from "../../src/image/planes.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { evaluate } from "../../src/reference/evaluate.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { ConsinganSampler } from "../../src/singan/generation/consingan-sampler.ts";
import { grow } from "../../src/singan/generation/growth.ts";
import { photoPath, samplePath } from "../../src/singan/generation/path.ts";
import { SinganSampler } from "../../src/singan/generation/singan-sampler.ts";
import { DEFAULTS } from "../../src/singan/model/config.ts";
import { discriminatorShapes } from "../../src/singan/model/consingan-models.ts";
import { isConsingan, type Model, photoAt, type StateDict } from "../../src/singan/model/model.ts";
import { parameterShapes } from "../../src/singan/model/shapes.ts";
import { discriminator as consinganDiscriminator } from "../../src/singan/networks/consingan-network.ts";
import { discriminator } from "../../src/singan/networks/networks.ts";
import { readModel, writeModel } from "../../src/singan/recipes.ts";
import { TINY, tinyPhoto, trainAll, trainAny } from "../tiny-training.ts";

/** Five layers of float32, relative to the largest score: two to three decimal digits fewer than float32 has. */
const TOLERANCE = 1e-4;

let gpu: Gpu;
let model: Model;
let sampler: SinganSampler;
beforeAll(async () => {
  gpu = await openDevice(await openAdapter());
  // As from a file, which has zeros for biases that the trained model has not.
  model = readModel(writeModel(await trainAll(gpu, tinyPhoto(), TINY))) as Model;
  sampler = await SinganSampler.load(gpu, model);
});
afterAll(async () => {
  await sampler.dispose();
  gpu.dispose();
});

async function allOf<T>(made: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of made) all.push(one);
  return all;
}

type Network = (x: Tensor, weights: ReadonlyMap<string, Tensor>) => Tensor;

/** The scores of one picture by the f64 reference. */
function expected(network: Network, shapes: ReadonlyMap<string, Shape>, state: StateDict, picture: Planes): Float64Array {
  const weights = new Map([...shapes].map(([name, shape]) => [name, leaf(name, shape)]));
  const x = leaf("x", [1, 3, picture.height, picture.width]);
  const values = [...weights].map(([name, t]) => [t, state.get(name)!] as const);
  return evaluate([network(x, weights)], new Map<Tensor, ArrayLike<number>>([...values, [x, picture.data]]))[0]!;
}

function expectClose(got: Float32Array, want: Float64Array): void {
  expect(got.length).toBe(want.length);
  const largest = Math.max(...want.map(Math.abs));
  expect(Math.max(...want.map((v, i) => Math.abs(v - got[i]!)))).toBeLessThan(TOLERANCE * largest);
  expect(new Set(got).size).toBeGreaterThan(got.length / 2);
}

describe("scores", () => {
  test("of the photo and a sample, at every scale", async () => {
    const before = gpu.stats().bytes;
    for (const [k, scale] of model.scales.entries()) {
      const { width, height } = scale.size;
      const noisy = { width, height, data: photoAt(model, k).data.map((v, i) => v + 0.3 * Math.sin(i)) };
      const pictures = [photoAt(model, k), noisy];
      const maps = await sampler.scores(k, pictures);
      for (const [i, picture] of pictures.entries()) {
        expect(maps[i]).toMatchObject({ width: width - 10, height: height - 10 });
        expectClose(
          maps[i]!.data,
          expected(discriminator, parameterShapes("discriminator", scale.channels, DEFAULTS), scale.discriminator, picture),
        );
      }
    }
    expect(gpu.stats().bytes).toBe(before);
  });

  test("of a ConSinGAN, at its last scale only", async () => {
    const trained = await trainAny(gpu, tinyPhoto(), {
      recipe: "consingan",
      ...{ maxSize: 24, minSize: 12, stages: 3, trainedStages: 2, iterations: 1, channels: 4, seed: 5 },
    });
    if (!isConsingan(trained)) throw new Error("a model of another recipe");
    // After one iteration the scores hardly depend on the picture.
    const state = new Map([...trained.discriminator].map(([name, values]) => [name, values.map((v) => 20 * v)]));
    const other = await ConsinganSampler.load(gpu, { ...trained, discriminator: state });
    const [map] = await other.scores(2, [trained.photo]);
    expectClose(map!.data, expected(consinganDiscriminator, discriminatorShapes(4), state, trained.photo));
    await expect(other.scores(1, [trained.photo])).rejects.toThrow("no discriminator of scale 1, only that of scale 2");
    await other.dispose();
  });

  test("are refused for scales and pictures that have none", async () => {
    await expect(sampler.scores(2, [model.photo])).rejects.toThrow("no discriminator of scale 2, those of the scales 0 to 1");
    await expect(sampler.scores(1, [])).rejects.toThrow("at least one picture");
    await expect(sampler.scores(1, [model.photo, photoAt(model, 0)])).rejects.toThrow("one size");
    await expect(sampler.scores(0, [tinyPhoto(30, 10)])).rejects.toThrow("a picture of 30x10 has no patch of 11x11 pixels");
  });
});

describe("a picture grows", () => {
  test("through all scales to the sample of its seed", async () => {
    const options = { seed: 6, index: 1 };
    const stages = await allOf(grow(sampler, samplePath(model), options));
    expect(stages.map(({ picture }) => isSameSize(picture, model.sizes[0]!))).toEqual([true, false]);
    expect(stages.at(-1)!.picture.data).toEqual((await sampler.sample(options)).data);
    expect(stages.map(({ noiseAmp }) => noiseAmp)).toEqual(model.scales.map(({ noiseAmp }) => noiseAmp));
  });

  test("by the noise that it names: given in place of the drawn one, it makes the same picture", async () => {
    const path = samplePath(model);
    const options = { seed: 6 };
    const stages = await allOf(grow(sampler, path, options));
    const given = stages.map(({ noise, stage }) => noise!.data.slice(0, stage.grey ? noise!.data.length / 3 : undefined));
    const by = { ...path, stages: path.stages.map((stage) => ({ ...stage, noise: "given" as const })) };
    const [made, other] = [await sampler.render(by, { ...options, given }), await sampler.render(path, { seed: 7 })];
    const far = (picture: Planes) => Math.max(...picture.data.map((v, i) => Math.abs(v - stages.at(-1)!.picture.data[i]!)));
    expect(far(made)).toBeLessThan(1e-4); // the noise differs by roundings
    expect(far(other)).toBeGreaterThan(1e-2);
  });

  test("from the photo at a later scale, where noise without borders is cropped from the padded one", async () => {
    const padded: Model = { ...model, options: { ...model.options, noisePadding: true } };
    const size = { width: 40, height: 31 };
    const own = await SinganSampler.load(gpu, {
      ...padded,
      zStar: new Float32Array((model.sizes[0]!.width + 10) * (model.sizes[0]!.height + 10)),
    });
    const [stage, ...more] = await allOf(grow(own, photoPath(padded, { size, startScale: 1 }), { seed: 1 }));
    expect(more).toEqual([]);
    expect(stage!.noise).toMatchObject(size);
    expect(stage!.picture).toMatchObject(size);
    await own.dispose();
  });
});
