// The figures of singan eval against those of NumPy, Pillow, SciPy and quality.py for the same pictures (test/fixtures/metrics/record.py).

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readPng } from "../../src/image/png.ts";
import { edgeFigures, reconstructionFigures, sampleFigures } from "../../src/metrics/figures.ts";
import { NumpyRandom } from "../../src/metrics/numpy-random.ts";
import { products, VALUES } from "../../src/metrics/patches.ts";
import { half, toPicture } from "../../src/metrics/picture.ts";
import { resizeLikePillow } from "../../src/metrics/pillow-resize.ts";

const FOLDER = join(import.meta.dirname, "../fixtures/metrics");
const recorded = JSON.parse(readFileSync(join(FOLDER, "recorded.json"), "utf8"));
const read = (name: string) => readPng(readFileSync(join(FOLDER, name)));
const samples = [0, 1, 2, 3, 4].map((i) => toPicture(read(`sample_${i}.png`)));
const digest = ({ buffer, byteOffset, byteLength }: ArrayBufferView): string =>
  createHash("sha256")
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest("hex");

it.each(["normals", "tail"])("draws NumPy's normal numbers, exact in float32: %s", (name) => {
  const { seed, count, first = [], largest, float32 } = recorded[name];
  const random = new NumpyRandom(seed);
  const drawn = Float64Array.from({ length: count }, () => random.normal());
  expect(digest(Float32Array.from(drawn))).toBe(float32);
  // The ziggurat's tables are computed here and are rounded literals in NumPy, so results differ by a few units in the last place.
  for (const [i, x] of first.entries()) expect(Math.abs(drawn[i]! / x - 1)).toBeLessThan(1e-14);
  if (largest) expect(drawn.reduce((most, x) => Math.max(most, Math.abs(x)), 0)).toBeCloseTo(largest, 12);
});

it.each(Object.entries<string[]>(recorded.choices))("chooses without replacement as NumPy does: %s", (name, digests) => {
  const [total, count] = name.split(" ").map(Number);
  const random = new NumpyRandom(3);
  expect(digests.map(() => digest(random.choice(total!, count!)))).toEqual(digests);
});

it.each(Object.entries<string>(recorded.resize))("resizes a photo as Pillow does, to the bit: %s", (size, expected) => {
  const [width, height] = size.split("x").map(Number);
  const resized = resizeLikePillow(read("photo.png"), { width: width!, height: height! });
  expect(`${resized.width}x${resized.height}`).toBe(size);
  expect(digest(resized.data)).toBe(expected);
});

// Both round to 5 decimals. The sums differ by about 1e-7 (float32 there, float64 here), so the last decimal may differ by one.
const CLOSE = 1.01e-5;
function expectClose(figures: object, expected: Record<string, number | number[]>): void {
  expect(Object.keys(figures).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, value] of Object.entries(figures) as [string, number | number[]][]) {
    const [ours, theirs] = [[value].flat(), [expected[name]!].flat()];
    expect(ours.length, name).toBe(theirs.length);
    // PSNR has three decimals.
    const close = name === "psnr" ? 1.01e-3 : CLOSE;
    for (const [i, x] of ours.entries()) expect(Math.abs(x - theirs[i]!), `${name} ${ours} ${theirs}`).toBeLessThan(close);
  }
}

it("gives the figures that quality.py gives", async () => {
  const real = toPicture(read("real.png"));
  const rec = toPicture(read("rec.png"));
  expectClose({ ...(await sampleFigures(real, samples)), ...reconstructionFigures(real, rec) }, recorded.figures);
  expectClose(await sampleFigures(real, samples.slice(0, 1)), recorded.oneSample);
});

it("finds nothing between a picture and itself", async () => {
  const real = toPicture(read("real.png"));
  const figures = await sampleFigures(real, [real, real]);
  expect({ ...figures, swd_levels: [] }).toEqual({
    ...{ swd: 0, swd_sd: 0, swd_levels: [], swd_pooled: 0, swd_detail: 0 },
    ...{ diversity: 0, nn_fidelity: 0, nn_coverage: 0, colour: 0, in_place: 1, largest_copy: 1 },
  });
  expect(figures.swd_levels).toEqual([0, 0]);
  expect(reconstructionFigures(real, real)).toEqual({ psnr: null, ssim: 1 });
});

it.each([
  [1, 1],
  [5, 3],
  [6, 9],
])("multiplies %d rows with %d, not multiples of its tile", (m, n) => {
  const rows = (count: number, seed: number) => Float32Array.from({ length: count * VALUES }, (_, i) => Math.sin(seed + 1.7 * i));
  const [a, b] = [rows(m, 1), rows(n, 2)];
  const dot = (i: number, j: number) => {
    let sum = 0;
    for (let k = 0; k < VALUES; k++) sum += a[i * VALUES + k]! * b[j * VALUES + k]!;
    return sum;
  };
  // Both add the same terms in the same order.
  expect([...products(a, b)]).toEqual(Array.from({ length: m * n }, (_, at) => dot(Math.floor(at / n), at % n)));
});

it("halves a picture by means of four pixels, without an odd last row", () => {
  const picture = { width: 3, height: 2, data: Float32Array.from([0, 9, 9, 1, 9, 9, 7, 7, 7, 2, 9, 9, 5, 9, 9, 7, 7, 7]) };
  expect(half(picture)).toEqual({ width: 1, height: 1, data: Float32Array.from([2, 9, 9]) });
});

it("measures how seamless tiles are", () => {
  const [width, height] = [24, 16];
  const picture = (valueAt: (x: number, y: number) => number) => ({
    ...{ width, height },
    data: Float32Array.from({ length: 3 * width * height }, (_, i) =>
      valueAt(Math.floor(i / 3) % width, Math.floor(i / 3 / width)),
    ),
  });
  // A sawtooth of steps 1 along x goes back by 23 at the border; along y nothing changes.
  expect(edgeFigures([picture((x) => x)])).toEqual({ edge_x: 23, edge_y: 1 });
  // A triangle of steps 1, up and down, is seamless.
  const triangle = picture((_, y) => Math.min(y, height - y));
  expect(edgeFigures([triangle, triangle])).toEqual({ edge_x: 1, edge_y: 1 });
});
