// Generation from a trained model: pictures along a path through its generators, whole or tile by tile. Official code: SinGAN_generate.

import { leaf } from "../../autodiff/tensor.ts";
import type { Gpu } from "../../gpu/device.ts";
import { crop, type Planes } from "../../image/planes.ts";
import { submit } from "../../runtime/program.ts";
import { OptionError, type Size } from "../model/config.ts";
import type { Model } from "../model/model.ts";
import { zStarShape } from "../model/shapes.ts";
import { FrozenScale } from "../networks/frozen-scale.ts";
import { macsPerPass } from "../networks/networks.ts";
import { PURPOSE, randomKey } from "../networks/noise.ts";
import { type Path, reconstructionPath, resultSize, type Stage, samplePath } from "./path.ts";
import { compileDrawing, type Drawing, freeDrawing, type Noise, readBy, type Studio } from "./tile-program.ts";
import { bandsOf, viewOf, type Window, wholeOf } from "./view.ts";

export interface DrawOptions {
  readonly seed: number;
  /** Which picture of the seed; 0 is the first. */
  readonly index?: number;
  /** none: without the random noise, for what the path alone makes. */
  readonly noise?: Noise;
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

/** A tile's widest activation takes at most this much: with input and result of a layer, weights and pictures some 70 MB in all (docs/adr/0007). */
const TILE_BYTES = 2 ** 25;
/** A layer's result is this much wider than the tile, in all. */
const WIDEST = 8;
/** A model on the GPU, ready to draw. A picture is a pure function of model, path, seed, index (on one driver); its tiles don't show. */
export class Sampler {
  readonly #studio: Studio;
  /** The last whole path's program: pictures of one path in a row compile once. */
  #drawing: { readonly key: string; readonly made: Drawing } | null = null;
  /** Draws happen one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly gpu: Gpu,
    readonly model: Model,
    private readonly tileBytes: number,
  ) {
    this.#studio = {
      ...{ gpu, model },
      scales: model.scales.map((scale) => new FrozenScale(gpu, scale)),
      key: [leaf("key", [4]), gpu.alloc(16, "sample key")],
      zStar: [leaf("zStar", zStarShape(model.sizes[0]!, model.options)), gpu.upload(model.zStar, "z*")],
    };
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
      const { width, height } = resultSize(path);
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
      this.gpu.write(this.#studio.key[1], randomKey(options.seed, PURPOSE.sample, 0, options.index ?? 0));
      if (path.stages.every((stage) => this.#tileSide(stage) >= Math.max(stage.size.width, stage.size.height)))
        yield cropped({ top: 0, picture: await this.#whole(path, options) }, resultSize(path));
      else
        for await (const band of this.#tiled(path, options, progress)) {
          if (band.top < resultSize(path).height) yield cropped(band, resultSize(path));
        }
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
    const how = { hasStart: start !== null, noise: options.noise ?? "random" };
    const key = JSON.stringify([stages, factor, how]);
    if (this.#drawing?.key !== key) {
      this.#release();
      const views = stages.map(({ size }) => viewOf(size, wholeOf(size), this.model.options.noisePadding));
      this.#drawing = { key, made: await compileDrawing(this.#studio, path, views, 0, how) };
    }
    const { made } = this.#drawing;
    if (made.start) this.gpu.write(made.start, start!.data);
    return this.#run(made, stages.at(-1)!.size, options);
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
    const view = viewOf(path.stages[i]!.size, tile, this.model.options.noisePadding);
    const how = { hasStart: previous !== null, noise: options.noise ?? "random" };
    const made = await compileDrawing(this.#studio, path, [view], i, how);
    try {
      if (made.start && previous) {
        const { top, left, width, height } = readBy(this.model, path, i, view);
        this.gpu.write(made.start, crop(previous, left, top, width, height).data);
      }
      return await this.#run(made, tile, options);
    } finally {
      freeDrawing(this.gpu, made);
    }
  }

  async #run({ program, output, given }: Drawing, size: Size, options: DrawOptions): Promise<Planes> {
    for (const [i, slice] of given) this.gpu.write(slice, options.given![i]!);
    submit(this.gpu, [program]);
    const [data] = await this.gpu.read([program.slice(output)]);
    return { width: size.width, height: size.height, data: data! };
  }

  #release(): void {
    if (this.#drawing) freeDrawing(this.gpu, this.#drawing.made);
    this.#drawing = null;
  }

  async dispose(): Promise<void> {
    await this.#last;
    this.#release();
    const { scales, key, zStar } = this.#studio;
    for (const scale of scales) scale.dispose();
    for (const [, slice] of [key, zStar]) this.gpu.free(slice);
  }
}

function cropped({ top, picture }: Band, { width, height }: Size): Band {
  const rows = Math.min(picture.height, height - top);
  return { top, picture: rows === picture.height && width === picture.width ? picture : crop(picture, 0, 0, width, rows) };
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
