// What a trained discriminator says of pictures: a score for every patch. For looking into a model; making pictures does not need it.

import { leaf, type Shape, type Tensor } from "../../autodiff/tensor.ts";
import type { Gpu } from "../../gpu/device.ts";
import { channelsOf, isSameSize, type Planes } from "../../image/planes.ts";
import type { Weights } from "../../nn/layers.ts";
import { FlatBuffer, Leaves } from "../../runtime/flat-buffer.ts";
import { compile, submit } from "../../runtime/program.ts";
import { OptionError, PADDING, RECEPTIVE_FIELD, type Size } from "../model/config.ts";
import type { AnyModel, StateDict } from "../model/model.ts";

/**
 * One score per patch of 11x11 px, so a map is 10 px smaller than its picture on both axes. Scores are unbounded, and larger where a patch
 * looks more like the photo's; only their differences have a meaning, and only within one scale.
 */
export interface ScoreMap extends Size {
  readonly data: Float32Array;
}

/** A trained discriminator: its graph and its weights. */
export interface Discriminator {
  readonly network: (x: Tensor, weights: Weights) => Tensor;
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly state: StateDict;
}

/** Throws OptionError unless the model has a discriminator of this scale: it has those of the scales from `first` to its last. */
export function requireDiscriminator({ scales }: Pick<AnyModel, "scales">, scale: number, first: number): void {
  const last = scales.length - 1;
  if (Number.isInteger(scale) && scale >= first && scale <= last) return;
  const known = first === last ? `only that of scale ${last}` : `those of the scales ${first} to ${last}`;
  throw new OptionError(`the model has no discriminator of scale ${scale}, ${known}`);
}

/** The scores of pictures of one size, all in one pass. Throws OptionError where their sizes differ or are smaller than a patch. */
export async function scoreMaps(
  gpu: Gpu,
  { network, shapes, state }: Discriminator,
  pictures: readonly Planes[],
): Promise<ScoreMap[]> {
  const [first] = pictures;
  if (!first || pictures.some((picture) => !isSameSize(picture, first)))
    throw new OptionError("scores are of at least one picture, and all of them must have one size");
  const { width, height } = first;
  if (Math.min(width, height) < RECEPTIVE_FIELD)
    throw new OptionError(`a picture of ${width}x${height} has no patch of ${RECEPTIVE_FIELD}x${RECEPTIVE_FIELD} pixels`);
  const x = leaf("pictures", [pictures.length, channelsOf(first), height, width]);
  const weights = new Leaves(new FlatBuffer(gpu, shapes, "discriminator"));
  const input = gpu.alloc(x.size * Float32Array.BYTES_PER_ELEMENT, "pictures");
  try {
    weights.storage.write(state);
    const all = new Float32Array(x.size);
    for (const [i, { data }] of pictures.entries()) all.set(data, i * data.length);
    gpu.write(input, all);
    const output = network(x, weights.tensors);
    const bindings = new Map([...weights.bindings, [x, input] as const]);
    const program = await compile(gpu, { name: "scores", outputs: [output], bindings });
    try {
      submit(gpu, [program]);
      const [scores] = await gpu.read([program.slice(output)]);
      const size = { width: width - 2 * PADDING, height: height - 2 * PADDING };
      const area = size.width * size.height;
      return pictures.map((_, i) => ({ ...size, data: scores!.slice(i * area, (i + 1) * area) }));
    } finally {
      program.dispose();
    }
  } finally {
    weights.dispose();
    gpu.free(input);
  }
}
