// Images in the colours of a palette.

import { apply, example, type None, type Op, requireShape, type Tensor } from "../tensor.ts";

/**
 * Every pixel of x [n,3,h,w] in the nearest colour of a palette [k,3]; of equally near ones the first. Piecewise constant in x, and not
 * differentiated in the palette.
 */
export const quantize = (x: Tensor, palette: Tensor): Tensor => apply(quantizeOp, [x, palette], {});
export const quantizeOp: Op<None> = {
  name: "quantize",
  shape: ([x, palette]) => {
    requireShape(
      x!.length === 4 && x![1] === 3 && palette!.length === 2 && palette![1] === 3,
      `quantize: images [${x}] and palette [${palette}] do not fit`,
    );
    return x!;
  },
  vjp: () => [null, null],
  examples: [example({}, [2, 3, 4, 5], [5, 3]), example({}, [1, 3, 1, 1], [1, 3])],
};
