// Instant pictures: the denoiser on the processor against its definition, the scales, and what the recipe promises.

import { MessageChannel } from "node:worker_threads";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Planes } from "../../src/image/planes.ts";
import { alphaAt, type InstantRequest, type InstantStep, instantPicture, startAt } from "../../src/instant/instant.ts";
import { checkInstant, InstantError, instantOptions, pairsOf, shareDone } from "../../src/instant/options.ts";
import { ProcessorDenoiser } from "../../src/instant/processor-denoiser.ts";
import { scaleFactors, scaleSizes } from "../../src/instant/scales.ts";
import { answerCalls, RemoteShares } from "../../src/instant/share-messages.ts";
import { LocalShares } from "../../src/instant/shares.ts";
import { denoiserCases, errorOf } from "../instant-cases.ts";
import { Random } from "../reference/random.ts";

const shares = new LocalShares();

describe("the denoiser on the processor follows its definition to 1e-5 of the range", () => {
  for (const one of denoiserCases)
    test(one.name, async () => {
      const denoiser = await ProcessorDenoiser.open(one.source, [shares]);
      const found = await denoiser.denoise(one.noisy, one.alpha, one.sigma);
      expect(errorOf(one, found)).toBeLessThan(1e-5);
    });
});

test("threads compute the same bits, however many there are", async () => {
  const one = denoiserCases[12]!;
  const alone = await ProcessorDenoiser.open(one.source, [shares]);
  const channels = [new MessageChannel(), new MessageChannel(), new MessageChannel()];
  const remotes = channels.map(({ port1, port2 }) => {
    answerCalls(
      new LocalShares(),
      (listener) => port2.on("message", listener),
      (answer) => port2.postMessage(answer),
    );
    const remote = new RemoteShares((call) => port1.postMessage(call));
    port1.on("message", (answer) => remote.receive(answer));
    return remote;
  });
  const together = await ProcessorDenoiser.open(one.source, remotes);
  const [expected, found] = [
    await alone.denoise(one.noisy, one.alpha, one.sigma),
    await together.denoise(one.noisy, one.alpha, one.sigma),
  ];
  for (const { port1 } of channels) port1.close();
  expect(found.data).toEqual(expected.data);
});

test("the schedule begins with noise and ends with the picture", () => {
  expect(alphaAt(10)).toBe(0);
  expect(alphaAt(1)).toBeCloseTo(0.9999, 12);
  expect(alphaAt(0)).toBe(1);
});

describe("scales", () => {
  test("halve down to the coarsest side", () => {
    expect(scaleFactors({ width: 250, height: 188 }, 24)).toEqual([1, 0.5, 0.25, 24 / 188]);
    expect(scaleFactors({ width: 64, height: 48 }, 18)).toEqual([1, 18 / 48]);
    expect(scaleFactors({ width: 64, height: 48 }, 48)).toEqual([1]);
    expect(scaleFactors({ width: 64, height: 31 }, 18)).toEqual([1, 18 / 31]);
    expect(scaleFactors({ width: 64, height: 31 }, 30)).toEqual([1, 30 / 31]);
    expect(scaleFactors({ width: 64, height: 32 }, 16)).toEqual([1, 0.5]);
  });
  test("are rounded up, and hold a patch", () => {
    const factors = scaleFactors({ width: 250, height: 188 }, 24);
    expect(scaleSizes({ width: 250, height: 188 }, factors, 15).at(-1)).toEqual({ width: 32, height: 24 });
    expect(scaleSizes({ width: 250, height: 40 }, factors, 15).at(-1)).toEqual({ width: 32, height: 15 });
  });
  test("begin with the size that is asked for, whatever the options; none is larger than the one before", () => {
    const side = fc.integer({ min: 25, max: 300 });
    const shape = fc.record({ width: side, height: side });
    fc.assert(
      fc.property(
        shape,
        shape,
        fc.integer({ min: 3, max: 21 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (photo, size, patch, share) => {
          const short = Math.min(photo.width, photo.height);
          const coarsest = Math.round(patch + share * (short - patch));
          const factors = scaleFactors(photo, coarsest);
          const [ofPhoto, ofSample] = [scaleSizes(photo, factors, patch), scaleSizes(size, factors, patch)];
          expect([ofPhoto[0], ofSample[0]]).toEqual([photo, size]);
          expect(Math.min(ofPhoto.at(-1)!.width, ofPhoto.at(-1)!.height)).toBe(coarsest);
          for (const sizes of [ofPhoto, ofSample])
            for (const [i, one] of sizes.slice(1).entries()) {
              expect(one.width).toBeLessThanOrEqual(sizes[i]!.width);
              expect(one.height).toBeLessThanOrEqual(sizes[i]!.height);
              expect(Math.min(one.width, one.height)).toBeGreaterThanOrEqual(patch);
            }
        },
      ),
    );
  });
  test("count as work by their pairs of patches", () => {
    const options = instantOptions({ width: 64, height: 48 }, { patch: 7, coarsest: 12 });
    const pairs = pairsOf([{ width: 64, height: 48 }], { width: 64, height: 48 }, options);
    expect(pairs).toEqual([(58 * 42) ** 2, (26 * 18) ** 2, (10 * 6) ** 2]);
    expect(shareDone(pairs, { scale: 0, t: 1 })).toBe(1);
    expect(shareDone(pairs, { scale: 2, t: 10 })).toBeLessThan(1e-3);
  });
});

/** A photo of stripes and dots: small, and with something to rearrange. */
const PHOTO: Planes = (() => {
  const [width, height] = [32, 26];
  const random = new Random("instant photo");
  const data = Float32Array.from({ length: 3 * width * height }, (_, i) =>
    Math.max(-1, Math.min(1, Math.sin((i % width) / 2) * 0.6 + (i % 7) * 0.05 + 0.1 * random.normal())),
  );
  return { width, height, data };
})();
const REQUEST: InstantRequest = {
  ...instantOptions(PHOTO, { patch: 5, coarsest: 9 }),
  ...{ size: { width: PHOTO.width, height: PHOTO.height }, seed: 3, start: { kind: "noise" } },
};
const make = (request: Partial<InstantRequest> = {}, onStep?: (step: InstantStep) => void): Promise<Planes> =>
  instantPicture([PHOTO], { ...REQUEST, ...request }, (source) => ProcessorDenoiser.open(source, [shares]), onStep);

describe("a picture", () => {
  test("is a function of photo, seed and options, and within the range", async () => {
    const [first, again, other] = [await make(), await make(), await make({ seed: 4 })];
    expect(again.data).toEqual(first.data);
    expect(other.data).not.toEqual(first.data);
    expect(first.data.every((v) => v >= -1 && v <= 1)).toBe(true);
  });
  test("has patches of the photo: its colours are near the photo's", async () => {
    const colours = new Set(PHOTO.data.map((v) => Math.round(8 * v)));
    const { data } = await make();
    const near = data.filter((v) => [-1, 0, 1].some((d) => colours.has(Math.round(8 * v) + d)));
    expect(near.length / data.length).toBeGreaterThan(0.99);
  });
  test("passes ten steps at each scale", async () => {
    const steps: string[] = [];
    await make({}, ({ scale, t }) => steps.push(`${scale}:${t}`));
    expect(steps).toHaveLength(20);
    expect([steps[0], steps[9], steps[10], steps[19]]).toEqual(["1:10", "1:1", "0:10", "0:1"]);
  });
  test("can have another size", async () => {
    const size = { width: 47, height: 29 };
    expect(await make({ size })).toMatchObject(size);
    expect(await make({ size, start: { kind: "photo" } })).toMatchObject(size);
  });
  test("keeps pixels to the last bit", async () => {
    const mask = {
      width: PHOTO.width,
      height: PHOTO.height,
      data: Float32Array.from({ length: 32 * 26 }, (_, p) => Number(p % 32 < 9)),
    };
    const { data } = await make({ keep: { picture: PHOTO, mask } });
    const kept = data.map((_, i) => mask.data[i % mask.data.length]!);
    expect(data.filter((_, i) => kept[i])).toEqual(PHOTO.data.filter((_, i) => kept[i]));
    expect(data.filter((_, i) => !kept[i])).not.toEqual(PHOTO.data.filter((_, i) => !kept[i]));
  });
  test("begins with a picture, which changes as far as it may", async () => {
    const distance = async (freedom: number): Promise<number> => {
      const { data } = await make({ start: { kind: "picture", picture: PHOTO, freedom } });
      return Math.sqrt(data.reduce((sum, v, i) => sum + (v - PHOTO.data[i]!) ** 2, 0) / data.length);
    };
    expect(await distance(0)).toBe(0);
    const [little, much] = [await distance(0.2), await distance(0.9)];
    expect(little).toBeLessThan(much);
    expect(startAt(1, 2)).toEqual({ scale: 1, t: 10 });
    expect(startAt(0.5, 2)).toEqual({ scale: 0, t: 10 });
    expect(startAt(0.55, 2)).toEqual({ scale: 1, t: 1 });
  });
  test("can be a seamless tile", async () => {
    const step = ({ width, height, data }: Planes, at: number): number => {
      let sum = 0;
      for (let row = 0; row < 3 * height; row++)
        sum += Math.abs(data[row * width + at]! - data[row * width + ((at + 1) % width)]!);
      return sum;
    };
    const tile = await make({ wraps: { x: true, y: false } });
    const inside = Array.from({ length: tile.width - 1 }, (_, at) => step(tile, at));
    expect(step(tile, tile.width - 1)).toBeLessThanOrEqual(1.2 * Math.max(...inside));
  });
});

test("options that can't work are refused in one line", () => {
  const check = (given: Parameters<typeof instantOptions>[1], photo = { width: 64, height: 48 }, size = photo) =>
    checkInstant([photo], size, instantOptions(photo, given));
  expect(() => check({})).not.toThrow();
  for (const given of [{ patch: 2 }, { patch: 23 }, { patch: 4.5 }, { coarsest: 6 }, { coarsest: 49 }, { eta: -0.1 }, { eta: 2 }])
    expect(() => check(given)).toThrow(InstantError);
  expect(() => check({}, { width: 24, height: 60 })).toThrow("too small");
  expect(() => check({}, { width: 64, height: 48 }, { width: 300, height: 10 })).toThrow("too small");
});
