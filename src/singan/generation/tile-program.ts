// The program that renders one tile of one stage of a path, or the whole path at once. Both compute the same bits (docs/adr/0007).

import { zeros } from "../../autodiff/ops/elementwise.ts";
import { clampedResize } from "../../autodiff/ops/fused.ts";
import { normal, normalWindow } from "../../autodiff/ops/random.ts";
import { crop2d, type Margins } from "../../autodiff/ops/spatial.ts";
import { leaf, type Shape, type Tensor } from "../../autodiff/tensor.ts";
import type { Gpu, Slice } from "../../gpu/device.ts";
import { float32Taps, sliceTaps } from "../../image/resample.ts";
import { chooseForSize } from "../../runtime/choice.ts";
import { compile, type Program } from "../../runtime/program.ts";
import { imageShape, PADDING, type Size } from "../model/config.ts";
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
  /** The tile and its neighbourhood within the picture: the part of the previous picture that is read. */
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

export function viewOf(size: Size, tile: Window, noisePadding: boolean): View {
  const [bottom, right] = [tile.top + tile.height, tile.left + tile.width];
  const [top, left] = [Math.max(0, tile.top - PADDING), Math.max(0, tile.left - PADDING)];
  const [end, far] = [Math.min(size.height, bottom + PADDING), Math.min(size.width, right + PADDING)];
  const inside = { top, left, width: far - left, height: end - top };
  const halo = { top: tile.top - top, left: tile.left - left, bottom: end - bottom, right: far - right };
  const outside = {
    top: PADDING - halo.top,
    left: PADDING - halo.left,
    bottom: PADDING - halo.bottom,
    right: PADDING - halo.right,
  };
  const grown = { top: tile.top, left: tile.left, width: tile.width + 2 * PADDING, height: tile.height + 2 * PADDING };
  return {
    ...{ tile, inside, outside, halo },
    noise: noisePadding ? grown : inside,
    noiseSize: noisePadding ? { width: size.width + 2 * PADDING, height: size.height + 2 * PADDING } : size,
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
  /** The picture before the first stage; null where there is none. */
  readonly start: Slice | null;
  /** The given noise, by stage of the path. */
  readonly given: ReadonlyMap<number, Slice>;
  /** The slices to free with the program. */
  readonly own: readonly Slice[];
}

/** The part of the previous picture that a view of stage i reads; at the first stage that picture is the start. */
export function inputWindow(model: Model, path: Path, i: number, { inside }: View): Window {
  if (i === 0) return inside;
  const { rows, columns } = sliced(model, path, i, inside);
  return { top: rows.start, left: columns.start, width: columns.taps.inSize, height: rows.taps.inSize };
}

/** The tables that enlarge the whole picture of stage i−1 to the size of stage i. */
function tapsOf({ options }: Model, { stages, factor }: Path, i: number) {
  const [small, large] = [stages[i - 1]!.size, stages[i]!.size];
  const taps = (inSize: number, outSize: number) => float32Taps(enlargement(options.upsample, factor, inSize, outSize));
  return { rows: taps(small.height, large.height), columns: taps(small.width, large.width) };
}

/** The part of those tables that makes a window of stage i. */
function sliced(model: Model, path: Path, i: number, { top, left, width, height }: Window) {
  const { rows, columns } = tapsOf(model, path, i);
  return { rows: sliceTaps(rows, top, height), columns: sliceTaps(columns, left, width) };
}

/** Compiles the stages first … first+views.length−1, each as its view shows it. `hasStart`: a picture comes before them. */
export async function compileTileProgram(
  { gpu, model, frozen, key, zStar }: SamplerContext,
  path: Path,
  views: readonly View[],
  first: number,
  { hasStart, noise }: { readonly hasStart: boolean; readonly noise: Noise },
): Promise<TileProgram> {
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
    const start = hasStart ? input("start", imageShape(inputWindow(model, path, first, views[0]!))) : null;
    let picture = start?.tensor ?? zeros(imageShape(views[0]!.inside));
    const given = new Map<number, Slice>();
    for (const [offset, view] of views.entries()) {
      const i = first + offset;
      const stage = path.stages[i]!;
      if (i > first) {
        const { rows, columns } = tapsOf(model, path, i);
        picture = clampedResize(picture, rows, columns, -1, 1);
      } else if (i > 0) {
        const { rows, columns } = sliced(model, path, i, view.inside);
        picture = clampedResize(picture, rows.taps, columns.taps, -1, 1);
      }
      let z: Tensor | null = null;
      if (stage.noise === "given") {
        const values = input(`noise ${i}`, noiseShape(stage, view.noiseSize));
        given.set(i, values.slice);
        z = windowOf(values.tensor, view);
      } else if (stage.noise === "random" && noise === "random") z = drawNoise(key[0], stage, i, view);
      else if (stage.noise === "star" && stage.scale === 0) z = windowOf(zStar[0], view);
      const scale = frozen(stage.scale, stage.statistics);
      picture = scale.apply(z && stage.grey ? grey(z) : z, picture, view.outside, view.halo);
      for (const [t, slice] of scale.bindings) bindings.set(t, slice);
    }
    const choose = (node: Tensor) => chooseForSize(node, REFERENCE_SIZE, gpu.profile);
    const program = await compile(gpu, { name: "picture", outputs: [picture], bindings, choose });
    return { program, output: picture, start: start?.slice ?? null, given, own };
  } catch (error) {
    for (const slice of own) gpu.free(slice);
    throw error;
  }
}

const noiseShape = ({ grey: isGrey }: Stage, size: Size): Shape => (isGrey ? greyShape(size) : imageShape(size));

const isWhole = ({ width, height }: Window, size: Size): boolean => width === size.width && height === size.height;

/** The part of a stage's random noise that its view reads. The number of the stage in the path is its stream. */
function drawNoise(key: Tensor, stage: Stage, stream: number, { noise, noiseSize: size }: View): Tensor {
  if (isWhole(noise, size)) return normal(key, noiseShape(stage, size), stream);
  const { top, left } = noise;
  return normalWindow(key, { shape: noiseShape(stage, noise), stream, size: [size.height, size.width], top, left });
}

/** The part of a whole noise that a view reads. */
function windowOf(z: Tensor, { noise, noiseSize: size }: View): Tensor {
  if (isWhole(noise, size)) return z;
  const { top, left, width, height } = noise;
  return crop2d(z, { top, left, bottom: size.height - top - height, right: size.width - left - width });
}

export function freeTileProgram(gpu: Gpu, { program, own }: TileProgram): void {
  program.dispose();
  for (const slice of own) gpu.free(slice);
}
