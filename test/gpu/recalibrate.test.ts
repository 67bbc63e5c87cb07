// Recalibrated statistics against plain averages of what the first block of a generator sees, computed here in f64.

import { afterAll, beforeAll, expect, test } from "vitest";
import { margins, pad2d } from "../../src/autodiff/ops/spatial.ts";
import { normals } from "../../src/autodiff/philox.ts";
import { leaf, sizeOf } from "../../src/autodiff/tensor.ts";
import type { Gpu } from "../../src/gpu/device.ts";
import type { Planes } from "../../src/image/planes.ts";
import { initialWeights } from "../../src/nn/init.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { DEFAULTS, imageShape } from "../../src/singan/model/config.ts";
import { BLOCKS, parameterShapes } from "../../src/singan/model/shapes.ts";
import { compute } from "../../src/singan/networks/compute.ts";
import { FrozenScale, upsampler } from "../../src/singan/networks/frozen-scale.ts";
import { generator as inTrainMode } from "../../src/singan/networks/networks.ts";
import { grey, PURPOSE, randomKey } from "../../src/singan/networks/noise.ts";
import { resolveOptions } from "../../src/singan/recipes.ts";
import { NO_LOSSES } from "../../src/singan/training/dry-run.ts";
import { passOn, reconstructionStatistics } from "../../src/singan/training/singan/reconstruction.ts";
import { type ScaleSetup, ScaleTrainer } from "../../src/singan/training/singan/scale-trainer.ts";
import { tinyPhoto } from "../tiny-training.ts";

let gpu: Gpu;
beforeAll(async () => {
  gpu = await openDevice(await openAdapter());
});
afterAll(() => gpu.dispose());

const CHANNELS = 3;
const PASSES = 50;
const SEED = 7;
const size = { width: 14, height: 12 };
const options = resolveOptions({ channels: CHANNELS, maxChannels: CHANNELS, seed: SEED });
const generator = initialWeights(parameterShapes("generator", CHANNELS, DEFAULTS), [1, 2, 3, 4]);
const picture: Planes = { ...size, data: tinyPhoto(size.width, size.height).data };

/** Mean and unbiased variance per channel of the head's convolution of a picture padded by 5. */
function headMoments(channel: (c: number, y: number, x: number) => number): number[][] {
  const weights = generator.get("head.conv.weight")!;
  const { width, height } = size;
  const padded = (c: number, y: number, x: number): number => {
    const [row, column] = [y - 5, x - 5];
    return row >= 0 && row < height && column >= 0 && column < width ? channel(c, row, column) : 0;
  };
  return Array.from({ length: CHANNELS }, (_, o) => {
    const values: number[] = [];
    for (let y = 0; y < height + 8; y++) {
      for (let x = 0; x < width + 8; x++) {
        let sum = 0;
        for (let c = 0; c < 3; c++)
          for (let u = 0; u < 3; u++)
            for (let v = 0; v < 3; v++) sum += weights[((o * 3 + c) * 3 + u) * 3 + v]! * padded(c, y + u, x + v);
        values.push(sum);
      }
    }
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    return [mean, values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1)];
  });
}

/** The head's statistics after recalibration: [mean, variance] per channel. */
async function recalibrated(setup: Pick<ScaleSetup, "scale" | "frozen" | "zPrev" | "zStar" | "noiseAmp">): Promise<number[][]> {
  const trainer = await ScaleTrainer.create(gpu, {
    ...{ size, channels: CHANNELS, options, real: picture, upsample: upsampler("bicubic", 1), generator },
    discriminator: initialWeights(parameterShapes("discriminator", CHANNELS, DEFAULTS), [1, 2, 3, 5]),
    ...setup,
  });
  try {
    trainer.recalibrate();
    const state = (await trainer.stateDicts()).generator;
    const [mean, variance] = ["running_mean", "running_var"].map((name) => state.get(`head.norm.${name}`)!);
    return Array.from({ length: CHANNELS }, (_, c) => [mean![c]!, variance![c]!]);
  } finally {
    trainer.dispose();
  }
}

function expectNear(got: readonly number[][], want: readonly number[][]): void {
  got.forEach(([mean, variance], c) => {
    const [wantedMean, wantedVariance] = want[c]! as [number, number];
    // Sums of a few hundred float32 values, averaged over 50 passes.
    expect(Math.abs(mean! - wantedMean), `mean ${c}`).toBeLessThan(1e-5 * Math.sqrt(wantedVariance));
    expect(Math.abs(variance! / wantedVariance - 1), `variance ${c}`).toBeLessThan(1e-5);
  });
}

test("at the coarsest scale: the average over 50 random passes", async () => {
  const { width, height } = size;
  const sums = Array.from({ length: CHANNELS }, () => [0, 0]);
  for (let t = 1; t <= PASSES; t++) {
    const z = normals(randomKey(SEED, PURPOSE.statistics, 0, t), 0, width * height); // one channel for all colours
    headMoments((_, y, x) => z[y * width + x]!).forEach((moments, c) => {
      moments.forEach((moment, i) => {
        sums[c]![i]! += moment / PASSES;
      });
    });
  }
  const zStar = new Float32Array(width * height);
  expectNear(await recalibrated({ scale: 0, frozen: [], zPrev: null, zStar, noiseAmp: 1 }), sums);
});

test("at finer scales: the average over 50 random passes with the scale's own noise", async () => {
  // From a chain whose picture is 0, a random pass sees noise alone.
  const silent = new Map(
    [...parameterShapes("generator", CHANNELS, DEFAULTS)].map(([name, shape]) => [name, new Float32Array(sizeOf(shape))]),
  );
  for (const block of ["head", "body.block1", "body.block2", "body.block3"]) {
    silent.set(`${block}.norm.running_mean`, new Float32Array(CHANNELS));
    silent.set(`${block}.norm.running_var`, new Float32Array(CHANNELS).fill(1));
  }
  const frozen = new FrozenScale(gpu, { size, channels: CHANNELS, noiseAmp: 0, generator: silent }, DEFAULTS);
  const got = await recalibrated({ scale: 1, frozen: [frozen], zPrev: picture, zStar: null, noiseAmp: 1 });
  frozen.dispose();
  const { width, height } = size;
  const passes = Array.from({ length: PASSES }, (_, i) => {
    const seen = normals(randomKey(SEED, PURPOSE.statistics, 1, i + 1), 0, 3 * width * height);
    return headMoments((c, y, x) => seen[(c * height + y) * width + x]!);
  });
  const average = (c: number, moment: number) => passes.reduce((sum, moments) => sum + moments[c]![moment]! / PASSES, 0);
  expectNear(
    got,
    got.map((_, c) => [average(c, 0), average(c, 1)]),
  );
});

test.each([
  [0, null],
  [1, picture],
])(
  "the reconstruction of scale %i has the statistics of its own pass, and with them frozen the picture of that pass",
  async (scale, zPrev) => {
    const { width, height } = size;
    const sizes = Array.from({ length: scale + 1 }, () => size);
    const zStar = Float32Array.from(normals([5, 6, 7, 8], 0, width * height));
    const model = { sizes, zStar, options };
    const plain = { size, channels: CHANNELS, noiseAmp: 1, discriminator: new Map(), losses: NO_LOSSES, seconds: 0 };
    const random = new Map(
      ["running_mean", "running_var"].flatMap((name) =>
        BLOCKS.map((block) => [`${block}.norm.${name}`, new Float32Array(CHANNELS).fill(1)]),
      ),
    );
    const trained = { ...plain, generator: new Map([...generator, ...random]) };
    const reconstruction = await reconstructionStatistics(gpu, trained, zPrev, model);
    const [mean, variance] = ["running_mean", "running_var"].map((name) => reconstruction.get(`head.norm.${name}`)!);
    const padded = (height + 8) * (width + 8);
    const seen = zPrev ? zPrev.data : Float32Array.from([...zStar, ...zStar, ...zStar]);
    expectNear(
      Array.from({ length: CHANNELS }, (_, c) => [mean![c]!, (variance![c]! * padded) / (padded - 1)]),
      headMoments((c, y, x) => seen[(c * height + y) * width + x]!),
    );

    const previous = leaf("previous", imageShape(size, DEFAULTS));
    const z = leaf("z", [1, 1, height, width]);
    const weights = new Map(
      [...parameterShapes("generator", CHANNELS, DEFAULTS)].map(([name, shape]) => [name, leaf(name, shape)]),
    );
    const pass = inTrainMode(pad2d(zPrev ? previous : grey(z, DEFAULTS), margins(5)), previous, weights);
    const inputs = [
      [previous, zPrev?.data ?? new Float32Array(previous.size)],
      [z, zStar],
      ...[...weights].map(([name, t]) => [t, generator.get(name)!] as const),
    ] as const;
    const [wanted] = await compute(gpu, "pass", [pass], inputs);
    const { picture: found } = await passOn(gpu, { ...trained, reconstruction }, zPrev, model, scale, upsampler("bicubic", 1));
    const { picture: other } = await passOn(gpu, trained, zPrev, model, scale, upsampler("bicubic", 1));
    const error = (made: Planes) => Math.max(...made.data.map((v, i) => Math.abs(v - wanted![i]!)));
    expect(error(found)).toBeLessThan(1e-5);
    expect(error(other)).toBeGreaterThan(1e-3);
  },
);
