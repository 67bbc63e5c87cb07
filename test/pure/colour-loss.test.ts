// The mean colour's loss and its gradient in f64, against their formulas.

import { expect, test } from "vitest";
import { grad } from "../../src/autodiff/grad.ts";
import { leaf, type Tensor } from "../../src/autodiff/tensor.ts";
import { colourLoss } from "../../src/singan/networks/losses.ts";
import { evaluate } from "../reference/evaluate.ts";
import { Random } from "../reference/random.ts";

test("κ times the mean square of the difference in mean colour, and the same gradient at every pixel", () => {
  const [height, width, weight] = [4, 5, 7];
  const pixels = height * width;
  const random = new Random("colour loss");
  const x = leaf("x", [1, 3, height, width]);
  const target = leaf("target", [1, 3]);
  const values = new Map<Tensor, Float64Array>([
    [x, random.values(x.size)],
    [target, random.values(target.size)],
  ]);
  const loss = colourLoss(x, target, weight);
  const [found, gradient] = evaluate([loss, ...grad(loss, [x])], values) as [Float64Array, Float64Array];
  const excess = [0, 1, 2].map((c) => {
    const plane = values.get(x)!.subarray(c * pixels, (c + 1) * pixels);
    return plane.reduce((sum, v) => sum + v, 0) / pixels - values.get(target)![c]!;
  });
  expect(found[0]).toBeCloseTo((weight * excess.reduce((sum, e) => sum + e * e, 0)) / 3, 12);
  gradient.forEach((g, i) => {
    expect(g).toBeCloseTo((2 * weight * excess[Math.floor(i / pixels)]!) / 3 / pixels, 12);
  });
});
