// Ops on the batch axis: samples are joined, taken out, and padded with zero samples.

import { apply, example, type None, type Op, requireShape, type Shape, sameShape, type Tensor } from "../tensor.ts";

type Part = { readonly first: number; readonly count: number };
type Padded = { readonly first: number; readonly of: number };

const resized = (x: Shape, samples: number): Shape => [samples, ...x.slice(1)];

/** The samples of a, then those of b. */
export const concat = (a: Tensor, b: Tensor): Tensor => apply(concatOp, [a, b], {});
export const concatOp: Op<None> = {
  name: "concat",
  shape: ([a, b]) => {
    requireShape(a!.length > 0 && sameShape(a!.slice(1), b!.slice(1)), `concat: samples of [${a}] and [${b}] differ`);
    return resized(a!, a![0]! + b![0]!);
  },
  vjp: (g, { inputs: [a, b] }) => [take(g, 0, a!.shape[0]!), take(g, a!.shape[0]!, b!.shape[0]!)],
  examples: [example({}, [1, 3, 5], [2, 3, 5]), example({}, [1], [1])],
};

/** Samples first … first+count−1 of x. */
export const take = (x: Tensor, first: number, count = 1): Tensor => apply(takeOp, [x], { first, count });
export const takeOp: Op<Part> = {
  name: "take",
  shape: ([x], { first, count }) => {
    requireShape(
      first >= 0 && count > 0 && first + count <= x![0]!,
      `take: [${x}] has no samples ${first} to ${first + count - 1}`,
    );
    return resized(x!, count);
  },
  vjp: (g, { inputs: [x], attrs: { first } }) => [padBatch(g, first, x!.shape[0]!)],
  examples: [example({ first: 1, count: 1 }, [3, 2, 5]), example({ first: 0, count: 2 }, [3, 7])],
};

/** x as the samples from `first` on of a batch of `of`, whose other samples are zeros. */
export const padBatch = (x: Tensor, first: number, of: number): Tensor => apply(padBatchOp, [x], { first, of });
export const padBatchOp: Op<Padded> = {
  name: "padBatch",
  shape: ([x], { first, of }) => {
    requireShape(first >= 0 && first + x![0]! <= of, `padBatch: [${x}] does not fit at ${first} of ${of}`);
    return resized(x!, of);
  },
  vjp: (g, { inputs: [x], attrs: { first } }) => [take(g, first, x!.shape[0]!)],
  examples: [example({ first: 1, of: 3 }, [1, 2, 5]), example({ first: 0, of: 2 }, [2, 7])],
};
