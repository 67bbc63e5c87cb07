// Generation from a trained model: pictures along a path through its generators, whole or tile by tile. Official code: SinGAN_generate.

import { zeros } from "../autodiff/ops/elementwise.ts";
import { clampedResize } from "../autodiff/ops/fused.ts";
import { normal, normalWindow } from "../autodiff/ops/random.ts";
import { crop2d } from "../autodiff/ops/spatial.ts";
import { leaf, type Shape, type Tensor } from "../autodiff/tensor.ts";
import type { Gpu, Slice } from "../gpu/device.ts";
import { crop, type Planes } from "../image/planes.ts";
import { float32Taps, sliceTaps } from "../image/resample.ts";
import { chooseForSize } from "../runtime/kernels.ts";
import { compile, type Program, submit } from "../runtime/program.ts";
import { imageShape, OptionError, type Size } from "./config.ts";
import { FrozenScale, grey, greyShape, noiseSize } from "./frozen.ts";
import type { Model } from "./model.ts";
import { macsPerPass } from "./networks.ts";
import { PURPOSE, randomKey } from "./noise.ts";
import { enlargement, type Path, reconstructionPath, type Stage, samplePath } from "./path.ts";
import { bandsOf, type View, viewOf, type Window, wholeOf } from "./view.ts";

export interface DrawOptions {
  readonly seed: number;
  /** Which picture of the seed; 0 is the first. */
  readonly index?: number;
  /** none: without the random noise, for what the path alone makes. */
  readonly noise?: "random" | "none";
  /** Values of the stages whose noise is given: [1 or 3,h,w] of noiseSize. */
  readonly given?: readonly (Float32Array | null)[];
}

export interface SampleOptions extends Omit<DrawOptions, "given"> {
  /** Scales below it keep the reconstruction's noise: 0 changes the layout, higher ones only detail. */
  readonly startScale?: number;
  /** Of the picture; as trained unless given. */
  readonly size?: Size;
}

/** Rows of a picture, from `top` on. */
export interface Band {
  readonly top: number;
  readonly picture: Planes;
}

/** A tile's widest activation takes at most this much: with input and result of a layer, weights and pictures about 80 MB in all. */
const TILE_BYTES = 2 ** 25;
/** A layer's result is this much wider than the tile, in all. */
const WIDEST = 8;
/** Kernels are chosen as for pictures of this size, whatever the size: a tile then has the bits of the whole. */
const REFERENCE_SIZE = [256, 256] as const;

/** A program with what has to be written before it runs. */
interface Drawing {
  readonly program: Program;
  readonly output: Tensor;
  readonly start: Slice | null;
  /** By stage of the path. */
  readonly given: ReadonlyMap<number, Slice>;
  readonly own: readonly Slice[];
}

/** A model on the GPU, ready to draw. A picture is a pure function of model, path, seed, index (on one driver); its tiles don't show. */
export class Sampler {
  readonly #key = leaf("key", [4]);
  readonly #zStar: Tensor;
  readonly #keySlice: Slice;
  readonly #zStarSlice: Slice;
  readonly #scales: readonly FrozenScale[];
  /** The last whole path's program: pictures of one path in a row compile once. */
  #drawing: { readonly key: string; readonly made: Drawing } | null = null;
  /** Draws happen one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly gpu: Gpu,
    readonly model: Model,
    private readonly tileBytes: number,
  ) {
    this.#zStar = leaf("zStar", greyShape(noiseSize(model.sizes[0]!, model.options)));
    this.#keySlice = gpu.alloc(16, "sample key");
    this.#zStarSlice = gpu.upload(model.zStar, "z*");
    this.#scales = model.scales.map((scale) => new FrozenScale(gpu, scale));
  }

  /** Uploads the model; programs are compiled when first needed. `tileBytes`: of a tile's widest activation, beyond which pictures are tiled. */
  static async load(gpu: Gpu, model: Model, tileBytes = TILE_BYTES): Promise<Sampler> {
    if (model.scales.length === 0) throw new OptionError("the model has no trained scale yet");
    return new Sampler(gpu, model, tileBytes);
  }

  /** A random picture. Throws OptionError for a start scale or size that the model can't have, or a seed or index out of range. */
  sample({ size, startScale, ...options }: SampleOptions): Promise<Planes> {
    const path = samplePath(this.model, { ...(size && { size }), ...(startScale !== undefined && { startScale }) });
    return this.draw(path, options);
  }

  /** What the model makes of z*: its memory of the photo. */
  reconstruction(): Promise<Planes> {
    return this.draw(reconstructionPath(this.model), { seed: 0 });
  }

  /** The picture of a path; tile by tile where it is large. Throws OptionError for a seed or index out of range. */
  async draw(path: Path, options: DrawOptions): Promise<Planes> {
    let whole: Planes | null = null;
    for await (const { top, picture } of this.bands(path, options)) {
      const { width, height } = path.stages.at(-1)!.size;
      if (picture.height === height) return picture;
      whole ??= { width, height, data: new Float32Array(3 * width * height) };
      place(whole, { top, left: 0 }, picture);
    }
    return whole!;
  }

  /**
   * The same picture in bands, top to bottom, so that a large one can be written as it comes; GPU memory is bounded by one tile, the CPU
   * holds the picture of the stage before. `progress` is told the share done. Throws as draw().
   */
  async *bands(path: Path, options: DrawOptions, progress: (share: number) => void = () => {}): AsyncGenerator<Band> {
    checkDraw(path, options);
    const before = this.#last;
    let done = (): void => {};
    this.#last = new Promise<void>((resolve) => {
      done = resolve;
    });
    await before;
    try {
      this.gpu.write(this.#keySlice, randomKey(options.seed, PURPOSE.sample, 0, options.index ?? 0));
      if (path.stages.every((stage) => this.#tileSide(stage) >= Math.max(stage.size.width, stage.size.height)))
        yield { top: 0, picture: await this.#whole(path, options) };
      else yield* this.#tiled(path, options, progress);
    } finally {
      done();
    }
  }

  /** Of the largest square tile whose widest activation fits. */
  #tileSide({ scale }: Stage): number {
    const { channels } = this.model.scales[scale]!;
    return Math.max(16, Math.floor(Math.sqrt(this.tileBytes / 4 / channels)) - WIDEST);
  }

  async #whole(path: Path, options: DrawOptions): Promise<Planes> {
    const { stages, start, factor } = path;
    const key = JSON.stringify([stages, factor, start === null, options.noise]);
    if (this.#drawing?.key !== key) {
      this.#release();
      const views = stages.map(({ size }) => viewOf(size, wholeOf(size), this.#noisePadding));
      this.#drawing = { key, made: await this.#compile(path, views, 0, stages.length, options) };
    }
    const { made } = this.#drawing;
    if (made.start) this.gpu.write(made.start, start!.data);
    return this.#run(made, stages.at(-1)!.size, options);
  }

  get #noisePadding(): boolean {
    return this.model.options.noisePadding;
  }

  async *#tiled(path: Path, options: DrawOptions, progress: (share: number) => void): AsyncGenerator<Band> {
    const { stages } = path;
    const cost = ({ scale, size }: Stage) => macsPerPass("generator", this.model.scales[scale]!.channels, size);
    const total = stages.reduce((sum, stage) => sum + cost(stage), 0);
    let done = 0;
    let previous: Planes | null = path.start;
    for (const [i, stage] of stages.entries()) {
      const { size } = stage;
      const isLast = i === stages.length - 1;
      const whole = isLast ? null : { ...size, data: new Float32Array(3 * size.width * size.height) };
      for (const tiles of bandsOf(size, this.#tileSide(stage))) {
        const { top, height } = tiles[0]!;
        const band = { width: size.width, height, data: new Float32Array(3 * size.width * height) };
        for (const tile of tiles) {
          const picture = await this.#tile(path, i, tile, previous, options);
          place(band, { top: 0, left: tile.left }, picture);
          done += (cost(stage) * tile.width * tile.height) / (size.width * size.height);
          progress(done / total);
        }
        if (whole) place(whole, { top, left: 0 }, band);
        else yield { top, picture: band };
      }
      previous = whole;
    }
  }

  /** One tile of a stage, from the whole picture of the stage before. */
  async #tile(path: Path, i: number, tile: Window, previous: Planes | null, options: DrawOptions): Promise<Planes> {
    const view = viewOf(path.stages[i]!.size, tile, this.#noisePadding);
    const made = await this.#compile({ ...path, start: i === 0 ? path.start : previous }, [view], i, i + 1, options);
    try {
      const { top, left, width, height } = previous ? this.#readBy(path, i, view) : wholeOf(tile);
      if (made.start && previous) this.gpu.write(made.start, crop(previous, left, top, width, height).data);
      return await this.#run(made, tile, options);
    } finally {
      this.#free(made);
    }
  }

  /** The part of the previous picture (of the start, at the first stage) that a tile reads. */
  #readBy({ stages, factor }: Path, i: number, { inside }: View): Window {
    if (i === 0) return inside;
    const { rows, columns } = this.#sliced(stages, factor, i, inside);
    return { top: rows.start, left: columns.start, width: columns.taps.inSize, height: rows.taps.inSize };
  }

  /** From the whole picture of stage i−1 to that of stage i. */
  #taps(stages: readonly Stage[], factor: number, i: number) {
    const [small, large] = [stages[i - 1]!.size, stages[i]!.size];
    const taps = (inSize: number, outSize: number) =>
      float32Taps(enlargement(this.model.options.upsample, factor, inSize, outSize));
    return { rows: taps(small.height, large.height), columns: taps(small.width, large.width) };
  }

  /** From what a window reads of stage i−1 to the window of stage i. */
  #sliced(stages: readonly Stage[], factor: number, i: number, { top, left, width, height }: Window) {
    const { rows, columns } = this.#taps(stages, factor, i);
    return { rows: sliceTaps(rows, top, height), columns: sliceTaps(columns, left, width) };
  }

  /** The program of stages first … end−1 with their views; `start` of the path is the picture before the first of them. */
  async #compile(path: Path, views: readonly View[], first: number, end: number, options: DrawOptions): Promise<Drawing> {
    const { gpu, model } = this;
    const { stages, factor } = path;
    const own: Slice[] = [];
    const bindings = new Map<Tensor, Slice>([
      [this.#key, this.#keySlice],
      [this.#zStar, this.#zStarSlice],
    ]);
    const input = (name: string, shape: Shape): { tensor: Tensor; slice: Slice } => {
      const tensor = leaf(name, shape);
      const slice = gpu.alloc(tensor.size * 4, name);
      own.push(slice);
      bindings.set(tensor, slice);
      return { tensor, slice };
    };
    try {
      const view = views[0]!;
      const start = path.start && input("start", imageShape(this.#readBy(path, first, view)));
      let picture = start?.tensor ?? zeros(imageShape(view.inside));
      const given = new Map<number, Slice>();
      for (let i = first; i < end; i++) {
        const stage = stages[i]!;
        const scale = this.#scales[stage.scale]!;
        const seen = views[i - first]!;
        if (i > first) {
          const { rows, columns } = this.#taps(stages, factor, i);
          picture = clampedResize(picture, rows, columns, -1, 1);
        } else if (i > 0) {
          const { rows, columns } = this.#sliced(stages, factor, i, seen.inside);
          picture = clampedResize(picture, rows.taps, columns.taps, -1, 1);
        }
        const values = stage.noise === "given" ? input(`noise ${i}`, noiseShape(stage, seen.noiseSize)) : null;
        if (values) given.set(i, values.slice);
        const z = values
          ? window(values.tensor, seen)
          : stage.noise === "random" && options.noise !== "none"
            ? drawn(this.#key, stage, i, seen)
            : stage.noise === "star" && stage.scale === 0
              ? window(this.#zStar, seen)
              : null;
        picture = scale.apply(z && stage.grey ? grey(z) : z, picture, seen.outside, seen.surplus);
        for (const [t, slice] of scale.bindings) bindings.set(t, slice);
      }
      const choose = (node: Tensor) => chooseForSize(node, REFERENCE_SIZE, gpu);
      const program = await compile(gpu, {
        name: `picture of ${model.scales.length} scales`,
        outputs: [picture],
        bindings,
        choose,
      });
      return { program, output: picture, start: start?.slice ?? null, given, own };
    } catch (error) {
      for (const slice of own) gpu.free(slice);
      throw error;
    }
  }

  async #run({ program, output, given }: Drawing, size: Size, options: DrawOptions): Promise<Planes> {
    for (const [i, slice] of given) this.gpu.write(slice, options.given![i]!);
    submit(this.gpu, [program]);
    const [data] = await this.gpu.read([program.slice(output)]);
    return { width: size.width, height: size.height, data: data! };
  }

  #free({ program, own }: Drawing): void {
    program.dispose();
    for (const slice of own) this.gpu.free(slice);
  }

  #release(): void {
    if (this.#drawing) this.#free(this.#drawing.made);
    this.#drawing = null;
  }

  async dispose(): Promise<void> {
    await this.#last;
    this.#release();
    for (const scale of this.#scales) scale.dispose();
    this.gpu.free(this.#keySlice);
    this.gpu.free(this.#zStarSlice);
  }
}

const noiseShape = ({ grey: isGrey }: Stage, size: Size): Shape => (isGrey ? greyShape(size) : imageShape(size));

const isWhole = ({ width, height }: Window, size: Size): boolean => width === size.width && height === size.height;

/** A stage's random noise, as far as it is seen; its stream is its place in the path. */
function drawn(key: Tensor, stage: Stage, stream: number, { noise, noiseSize: size }: View): Tensor {
  if (isWhole(noise, size)) return normal(key, noiseShape(stage, size), stream);
  const { top, left } = noise;
  return normalWindow(key, { shape: noiseShape(stage, noise), stream, size: [size.height, size.width], top, left });
}

/** Of a whole noise, what is seen. */
function window(z: Tensor, { noise, noiseSize: size }: View): Tensor {
  if (isWhole(noise, size)) return z;
  const { top, left, width, height } = noise;
  return crop2d(z, { top, left, bottom: size.height - top - height, right: size.width - left - width });
}

/** Copies a picture into a larger one. */
function place(into: Planes, { top, left }: Pick<Window, "top" | "left">, { width, height, data }: Planes): void {
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < height; y++) {
      const row = (c * height + y) * width;
      into.data.set(data.subarray(row, row + width), (c * into.height + top + y) * into.width + left);
    }
  }
}

function checkDraw({ stages }: Path, { seed, index = 0, given = [] }: DrawOptions): void {
  for (const [name, value] of Object.entries({ seed, index })) {
    if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32) {
      throw new OptionError(`${name} must be a whole number from 0 to ${2 ** 32 - 1}, not ${value}`);
    }
  }
  const missing = stages.findIndex((stage, i) => stage.noise === "given" && !given[i]);
  if (missing >= 0) throw new OptionError(`the noise of stage ${missing} is to be given, but is not`);
}
