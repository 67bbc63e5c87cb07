// The Fréchet distance of Inception features against SciPy's (test/fixtures/metrics/record.py), and the eigenvalues under it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { loadInception } from "../../src/cli/inception.ts";
import { readPng } from "../../src/image/png.ts";
import { fitGaussian, frechetDistance, symmetricEigen } from "../../src/metrics/frechet.ts";
import { FEATURES, inceptionFeatures, readInception } from "../../src/metrics/inception.ts";
import { toPicture } from "../../src/metrics/picture.ts";

const FOLDER = join(import.meta.dirname, "../fixtures/metrics");
const read = (name: string) => toPicture(readPng(readFileSync(join(FOLDER, name))));

it("equals an independent computation in SciPy to 1e-4", async () => {
  const inception = await loadInception();
  expect(inception, "nsfwjs is a development dependency: npm ci installs it").not.toBeNull();
  const gaussian = (name: string) => fitGaussian(inceptionFeatures(read(name), inception!), FEATURES);
  const { frechet } = JSON.parse(readFileSync(join(FOLDER, "recorded.json"), "utf8"));
  const real = gaussian("real.png");
  for (const [i, expected] of frechet.entries())
    expect(Math.abs(frechetDistance(real, gaussian(`sample_${i}.png`)) / expected - 1)).toBeLessThan(1e-4);
  expect(Math.abs(frechetDistance(real, real))).toBeLessThan(1e-6);
});

it("is the closed form for Gaussians with diagonal covariances", () => {
  const diagonal = (mean: number[], variances: number[]) => ({
    mean: Float64Array.from(mean),
    covariance: Float64Array.from([variances[0]!, 0, 0, variances[1]!]),
  });
  // Σ (m₁−m₂)² + (σ₁−σ₂)²
  expect(frechetDistance(diagonal([1, 2], [4, 9]), diagonal([3, 2], [1, 0]))).toBeCloseTo(4 + 1 + 9, 12);
});

it("says when the package is not there", async () => {
  const missing = () => Promise.reject(Object.assign(new Error("no"), { code: "ERR_MODULE_NOT_FOUND" }));
  expect(await loadInception(missing)).toBeNull();
  await expect(loadInception(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  expect(() => readInception({ weightsManifest: [] }, new Uint8Array())).toThrow("no 8-bit weight batch_normalization_1/beta 32");
});

it("finds eigenvalues and vectors of random symmetric matrices", () => {
  const sizes = fc.integer({ min: 1, max: 12 });
  const matrices = sizes.chain((d) =>
    fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: d * d, maxLength: d * d }).map((values) => ({
      d,
      matrix: Float64Array.from(values, (_, at) => values[at]! + values[(at % d) * d + Math.floor(at / d)]!),
    })),
  );
  fc.assert(
    fc.property(matrices, ({ d, matrix }) => {
      const { values, vectors } = symmetricEigen(matrix, d);
      for (let i = 0; i < d; i++) {
        for (let k = 0; k < d; k++) {
          let [image, length] = [0, 0];
          for (let j = 0; j < d; j++) {
            image += matrix[i * d + j]! * vectors[j * d + k]!;
            length += vectors[j * d + i]! * vectors[j * d + k]!;
          }
          // A·v = λ·v and orthonormal vectors, to rounding.
          expect(Math.abs(image - values[k]! * vectors[i * d + k]!)).toBeLessThan(1e-11);
          expect(Math.abs(length - (i === k ? 1 : 0))).toBeLessThan(1e-12);
        }
      }
    }),
  );
});
