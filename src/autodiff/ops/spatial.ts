// Ops on the last two axes: zero padding and cropping, and separable resampling by tap tables.

import { apply, example, type Op, requireShape, type Shape, type Tensor } from "../tensor.ts";

export interface Margins {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}
export const margins = (all: number): Margins => ({ top: all, bottom: all, left: all, right: all });

type MarginAttrs = { readonly margins: Margins };

function resized(name: string, x: Shape, height: number, width: number): Shape {
  requireShape(x.length >= 2 && height > 0 && width > 0, `${name}: [${x}] cannot become ${width}x${height}`);
  return [...x.slice(0, -2), height, width];
}
const uneven: Margins = { top: 1, bottom: 2, left: 3, right: 0 };

/** Zeros around the last two axes. */
export const pad2d = (x: Tensor, m: Margins): Tensor => apply(pad2dOp, [x], { margins: m });
export const pad2dOp: Op<MarginAttrs> = {
  name: "pad2d",
  shape: ([x], { margins: m }) => resized("pad2d", x!, x!.at(-2)! + m.top + m.bottom, x!.at(-1)! + m.left + m.right),
  vjp: (g, { attrs }) => [crop2d(g, attrs.margins)],
  examples: [example({ margins: uneven }, [2, 3, 4, 5]), example({ margins: margins(5) }, [1, 1, 1])],
};

/** The last two axes without their margins. */
export const crop2d = (x: Tensor, m: Margins): Tensor => apply(crop2dOp, [x], { margins: m });
export const crop2dOp: Op<MarginAttrs> = {
  name: "crop2d",
  shape: ([x], { margins: m }) => resized("crop2d", x!, x!.at(-2)! - m.top - m.bottom, x!.at(-1)! - m.left - m.right),
  vjp: (g, { attrs }) => [pad2d(g, attrs.margins)],
  examples: [example({ margins: uneven }, [2, 3, 6, 7]), example({ margins: margins(5) }, [1, 1, 11, 11])],
};

/** One axis of a linear resampling: out[o] = Σ_k weight[o·width+k] · in[index[o·width+k]]. */
export interface Taps {
  readonly inSize: number;
  readonly outSize: number;
  /** Taps per output; a weight of 0 pads unused ones. */
  readonly width: number;
  readonly index: Uint32Array;
  readonly weight: Float32Array;
}

/** The same matrix transposed: from the outputs back to the inputs. */
export function transposeTaps(taps: Taps): Taps {
  const rows: [index: number, weight: number][][] = Array.from({ length: taps.inSize }, () => []);
  taps.weight.forEach((weight, at) => {
    if (weight !== 0) rows[taps.index[at]!]!.push([Math.floor(at / taps.width), weight]);
  });
  const width = Math.max(1, ...rows.map((row) => row.length));
  const index = new Uint32Array(taps.inSize * width);
  const weight = new Float32Array(taps.inSize * width);
  rows.forEach((row, i) => {
    row.forEach(([o, w], k) => {
      index[i * width + k] = o;
      weight[i * width + k] = w;
    });
  });
  return { inSize: taps.outSize, outSize: taps.inSize, width, index, weight };
}

/**
 * Separable resampling of the last two axes. The tables make it bilinear, bicubic, an antialiased reduction, or the adjoint of any.
 * The VJP is the same op with the transposed tables.
 */
export const resize = (x: Tensor, y: Taps, x_: Taps): Tensor => apply(resizeOp, [x], { rows: y, columns: x_ });
export const resizeOp: Op<{ rows: Taps; columns: Taps }> = {
  name: "resize",
  shape: ([x], { rows, columns }) => {
    requireShape(
      x!.at(-2) === rows.inSize && x!.at(-1) === columns.inSize,
      `resize: tables for ${columns.inSize}x${rows.inSize} do not fit [${x}]`,
    );
    return resized("resize", x!, rows.outSize, columns.outSize);
  },
  vjp: (g, { attrs: { rows, columns } }) => [resize(g, transposeTaps(rows), transposeTaps(columns))],
  examples: [
    example({ rows: lerp(4, 6), columns: lerp(5, 7) }, [2, 3, 4, 5]),
    example({ rows: lerp(6, 3), columns: lerp(5, 1) }, [1, 1, 6, 5]),
  ],
};

/** Plain linear interpolation for the examples; the tables in use are made by image/resample.ts. */
function lerp(inSize: number, outSize: number): Taps {
  const index = new Uint32Array(2 * outSize);
  const weight = new Float32Array(2 * outSize);
  for (let o = 0; o < outSize; o++) {
    const at = Math.min(Math.max(((o + 0.5) * inSize) / outSize - 0.5, 0), inSize - 1);
    const low = Math.min(Math.floor(at), Math.max(inSize - 2, 0));
    index.set([low, Math.min(low + 1, inSize - 1)], 2 * o);
    weight.set([1 - (at - low), at - low], 2 * o);
  }
  return { inSize, outSize, width: 2, index, weight };
}
