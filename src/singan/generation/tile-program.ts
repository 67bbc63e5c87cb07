// The program that renders one tile of one stage of a path, or the whole path at once. Both compute the same bits (docs/adr/0007).

import { add, mul, zeros } from "../../autodiff/ops/elementwise.ts";
import { clampedResize } from "../../autodiff/ops/fused.ts";
import { normal, normalWindow } from "../../autodiff/ops/random.ts";
import { crop2d, type Margins, pad2d } from "../../autodiff/ops/spatial.ts";
import { leaf, type Shape, type Tensor } from "../../autodiff/tensor.ts";
import type { Gpu, Slice } from "../../gpu/device.ts";
import { NO_WRAPS, type Wraps } from "../../image/planes.ts";
import { float32Taps, periodicTaps, sliceTaps } from "../../image/resample.ts";
import { chooseForSize } from "../../runtime/choice.ts";
import { compile, type Program } from "../../runtime/program.ts";
import { type ImageChannels, imageShape, PADDING, type Size } from "../model/config.ts";
import type { Model } from "../model/model.ts";
import { enlargement } from "../model/pyramid.ts";
import { greyShape } from "../model/shapes.ts";
import type { FrozenScale, Statistics } from "../networks/frozen-scale.ts";
import { grey } from "../networks/noise.ts";
import type { Path, Stage } from "./path.ts";
import type { Noise } from "./sampling.ts";

export interface Window extends Size {
  readonly top: number;
  readonly left: number;
}

/**
 * A tile of a picture as a generator sees it. The five valid convolutions read 5 px past the tile; outside the picture they read the zero
 * padding that the whole picture has there.
 */
export interface View {
  readonly tile: Window;
  /** The tile and its neighbourhood within the picture: the part of the previous picture that is read. On axes that wrap it reaches beyond it. */
  readonly inside: Window;
  /** The neighbourhood outside the picture: its zero padding. */
  readonly outside: Margins;
  /** The neighbourhood within the picture: the margins between `inside` and the tile. */
  readonly halo: Margins;
  /** The part of the noise that is read. */
  readonly noise: Window;
  /** Size of the whole noise. */
  readonly noiseSize: Size;
}

export const wholeOf = ({ width, height }: Size): Window => ({ top: 0, left: 0, width, height });

/** What a tile sees of an axis of `length` pixels. */
function axisView(length: number, at: number, size: number, hasNoisePadding: boolean, wraps: boolean) {
  const [start, end] = wraps
    ? [at - PADDING, at + size + PADDING]
    : [Math.max(0, at - PADDING), Math.min(length, at + size + PADDING)];
  const halo = [at - start, end - at - size] as const;
  const inside = { start, size: end - start };
  // On an axis that wraps, the noise has the picture's size, and wraps as well.
  return hasNoisePadding && !wraps
    ? { halo, inside, noise: { start: at, size: size + 2 * PADDING }, noiseLength: length + 2 * PADDING }
    : { halo, inside, noise: inside, noiseLength: length };
}

export function viewOf(size: Size, tile: Window, noisePadding: boolean, wraps: Wraps = NO_WRAPS): View {
  const y = axisView(size.height, tile.top, tile.height, noisePadding, wraps.y);
  const x = axisView(size.width, tile.left, tile.width, noisePadding, wraps.x);
  const window = (part: "inside" | "noise"): Window => ({
    ...{ top: y[part].start, left: x[part].start, width: x[part].size, height: y[part].size },
  });
  const halo = { top: y.halo[0], bottom: y.halo[1], left: x.halo[0], right: x.halo[1] };
  const outside = {
    top: PADDING - halo.top,
    left: PADDING - halo.left,
    bottom: PADDING - halo.bottom,
    right: PADDING - halo.right,
  };
  return {
    ...{ tile, outside, halo, inside: window("inside"), noise: window("noise") },
    noiseSize: { width: x.noiseLength, height: y.noiseLength },
  };
}

/** Divides a picture into bands of tiles, whose sides are at most `side` px. */
export function bandsOf({ width, height }: Size, side: number): Window[][] {
  const cuts = (length: number) => {
    const count = Math.ceil(length / side);
    const step = Math.ceil(length / count);
    return Array.from({ length: count }, (_, i) => ({ at: i * step, size: Math.min(step, length - i * step) })).filter(
      ({ size }) => size > 0,
    );
  };
  return cuts(height).map((y) => cuts(width).map((x) => ({ top: y.at, left: x.at, width: x.size, height: y.size })));
}

/** Kernels are chosen as if every picture had this size, so that a tile has the bits of the whole picture. */
const REFERENCE_SIZE = [256, 256] as const;

/** A model on the GPU, with the tensors that all programs of its sampler read. */
export interface SamplerContext {
  readonly gpu: Gpu;
  readonly model: Model;
  readonly frozen: (scale: number, statistics: Statistics) => FrozenScale;
  readonly key: readonly [Tensor, Slice];
  readonly zStar: readonly [Tensor, Slice];
}

/** A program and the slices that must be written before it runs. */
export interface TileProgram {
  readonly program: Program;
  readonly output: Tensor;
  /** The part of the picture before the first stage that is read; no slice where there is no such picture. */
  readonly start: Slice | null;
  readonly startWindow: Window;
  /** The given noise, by stage of the path. */
  readonly given: ReadonlyMap<number, Slice>;
  /** The memory of what stays and of what changes, by stage of the path, and which part of them is read. */
  readonly keep: ReadonlyMap<number, { readonly kept: Slice; readonly changing: Slice; readonly tile: Window }>;
  /** The slices to free with the program. */
  readonly own: readonly Slice[];
}

/** The part of the previous picture that a view of stage i reads; at the first stage that picture is the start. */
function inputWindow(model: Model, path: Path, i: number, { inside }: View): Window {
  if (i === 0) return inside;
  const { rows, columns } = sliced(model, path, i, inside);
  return { top: rows.start, left: columns.start, width: columns.taps.inSize, height: rows.taps.inSize };
}

/** The tables that make a window of stage i from a part of the picture of stage i−1, and where that part begins. */
function sliced({ options }: Model, { stages, factor, wraps = NO_WRAPS }: Path, i: number, { top, left, width, height }: Window) {
  const [small, large] = [stages[i - 1]!.size, stages[i]!.size];
  const axis = (inSize: number, outSize: number, first: number, count: number, isPeriodic: boolean) => {
    if (!isPeriodic) return sliceTaps(float32Taps(enlargement(options.upsample, factor, inSize, outSize)), first, count);
    const { taps, start } = periodicTaps(options.upsample, inSize, outSize, first, count);
    return { taps: float32Taps(taps), start };
  };
  return {
    rows: axis(small.height, large.height, top, height, wraps.y),
    columns: axis(small.width, large.width, left, width, wraps.x),
  };
}

/** The same tables for the whole picture of stage i−1. */
function tapsOfWhole(model: Model, path: Path, i: number, window: Window) {
  const { width, height } = path.stages[i - 1]!.size;
  const { rows, columns } = sliced(model, path, i, window);
  const whole = ({ taps, start }: typeof rows, length: number) => ({
    ...{ ...taps, inSize: length },
    index: taps.index.map((at) => (((at + start) % length) + length) % length),
  });
  return { rows: whole(rows, height), columns: whole(columns, width) };
}

/** Compiles the stages first … first+views.length−1, each as its view shows it. `hasStart`: a picture comes before them. */
export async function compileTileProgram(
  { gpu, model, frozen, key, zStar }: SamplerContext,
  path: Path,
  views: readonly View[],
  first: number,
  { hasStart, noise }: { readonly hasStart: boolean; readonly noise: Noise },
): Promise<TileProgram> {
  const { options } = model;
  const own: Slice[] = [];
  const bindings = new Map<Tensor, Slice>([key, zStar]);
  const input = (name: string, shape: Shape): { tensor: Tensor; slice: Slice } => {
    const tensor = leaf(name, shape);
    const slice = gpu.alloc(tensor.size * 4, name);
    own.push(slice);
    bindings.set(tensor, slice);
    return { tensor, slice };
  };
  try {
    const startWindow = inputWindow(model, path, first, views[0]!);
    const start = hasStart ? input("start", imageShape(startWindow, options)) : null;
    let picture = start?.tensor ?? zeros(imageShape(views[0]!.inside, options));
    const given = new Map<number, Slice>();
    const keep = new Map<number, { kept: Slice; changing: Slice; tile: Window }>();
    for (const [offset, view] of views.entries()) {
      const i = first + offset;
      const stage = path.stages[i]!;
      if (i > first) {
        const { rows, columns } = tapsOfWhole(model, path, i, view.inside);
        picture = clampedResize(picture, rows, columns, -1, 1);
      } else if (i > 0) {
        const { rows, columns } = sliced(model, path, i, view.inside);
        picture = clampedResize(picture, rows.taps, columns.taps, -1, 1);
      }
      let z: Tensor | null = null;
      if (stage.noise === "given") {
        const values = input(`noise ${i}`, noiseShape(stage, view.noiseSize, options));
        given.set(i, values.slice);
        z = windowOf(values.tensor, view);
      } else if (stage.noise === "random" && noise === "random") z = drawNoise(key[0], stage, i, view, options);
      else if (stage.noise === "star" && stage.scale === 0) z = windowOf(zStar[0], view);
      const scale = frozen(stage.scale, stage.statistics);
      picture = scale.apply(z && stage.grey ? grey(z, options) : z, picture, view.outside, view.halo);
      for (const [t, slice] of scale.bindings) bindings.set(t, slice);
      if (path.keep) {
        const [kept, changing] = [
          input(`kept ${i}`, imageShape(view.tile, options)),
          input(`changing ${i}`, imageShape(view.tile, options)),
        ];
        keep.set(i, { kept: kept.slice, changing: changing.slice, tile: view.tile });
        picture = add(mul(picture, changing.tensor), kept.tensor);
      }
    }
    const choose = (node: Tensor) => chooseForSize(node, REFERENCE_SIZE, gpu.profile);
    const program = await compile(gpu, { name: "picture", outputs: [picture], bindings, choose });
    return { program, output: picture, start: start?.slice ?? null, startWindow, given, keep, own };
  } catch (error) {
    for (const slice of own) gpu.free(slice);
    throw error;
  }
}

const noiseShape = ({ grey: isGrey }: Stage, size: Size, image: ImageChannels): Shape =>
  isGrey ? greyShape(size) : imageShape(size, image);

const isWhole = ({ top, left, width, height }: Window, size: Size): boolean =>
  top === 0 && left === 0 && width === size.width && height === size.height;

/** The part of a stage's random noise that its view reads. The number of the stage in the path is its stream. */
function drawNoise(key: Tensor, stage: Stage, stream: number, { noise, noiseSize: size }: View, image: ImageChannels): Tensor {
  if (isWhole(noise, size)) return normal(key, noiseShape(stage, size, image), stream);
  return assembled(noise, size, ({ top, left, width, height }) =>
    normalWindow(key, {
      ...{ shape: noiseShape(stage, { width, height }, image), stream, top, left },
      size: [size.height, size.width],
    }),
  );
}

/** The part of a whole noise that a view reads. */
function windowOf(z: Tensor, { noise, noiseSize: size }: View): Tensor {
  if (isWhole(noise, size)) return z;
  return assembled(noise, size, ({ top, left, width, height }) =>
    crop2d(z, { top, left, bottom: size.height - top - height, right: size.width - left - width }),
  );
}

/** A window of something periodic, from the parts of one period that it consists of. */
function assembled(window: Window, size: Size, part: (inside: Window) => Tensor): Tensor {
  const parts = periods(window.top, window.height, size.height).flatMap((y) =>
    periods(window.left, window.width, size.width).map((x) => {
      const tensor = part({ top: y.from, left: x.from, width: x.count, height: y.count });
      const after = { bottom: window.height - y.at - y.count, right: window.width - x.at - x.count };
      return { tensor, around: { top: y.at, left: x.at, ...after } };
    }),
  );
  if (parts.length === 1) return parts[0]!.tensor;
  return parts.map(({ tensor, around }) => pad2d(tensor, around)).reduce(add);
}

/** `count` pixels from `first` on, as pieces of single periods: where a piece is in the period, and where in the window. */
function periods(first: number, count: number, length: number): { from: number; count: number; at: number }[] {
  const pieces: { from: number; count: number; at: number }[] = [];
  for (let at = 0; at < count; ) {
    const from = (((first + at) % length) + length) % length;
    pieces.push({ from, at, count: Math.min(length - from, count - at) });
    at += pieces.at(-1)!.count;
  }
  return pieces;
}

export function freeTileProgram(gpu: Gpu, { program, own }: TileProgram): void {
  program.dispose();
  for (const slice of own) gpu.free(slice);
}
