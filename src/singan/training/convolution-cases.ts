// The convolutions that a training consists of, for the tuner.

import type { Shape } from "../../autodiff/tensor.ts";
import type { TuningCase } from "../../runtime/tune.ts";
import type { Size } from "../model/config.ts";

const COLOURS = 3;
const SCORES = 1;

/** A scale's layers of both nets, forward and both gradients, the most work first; `samples` as the training's batches have. */
export function convolutionCases({ width, height }: Size, channels: number, samples: readonly number[] = [1]): TuningCase[] {
  const layers = [
    [channels, channels],
    [COLOURS, channels],
    [channels, COLOURS],
    [channels, SCORES],
  ] as const;
  return samples.flatMap((n) =>
    layers.flatMap(([c_in, c_out]): TuningCase[] => {
      const x: Shape = [n, c_in, height + 2, width + 2];
      const w: Shape = [c_out, c_in, 3, 3];
      const y: Shape = [n, c_out, height, width];
      return [
        { opName: "conv2d", op: { inputs: [x, w], shape: y, attrs: {} } },
        { opName: "conv2dInput", op: { inputs: [y, w], shape: x, attrs: {} } },
        { opName: "conv2dWeight", op: { inputs: [x, y], shape: w, attrs: {} } },
      ];
    }),
  );
}
