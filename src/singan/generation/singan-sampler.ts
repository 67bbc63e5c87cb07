// Pictures from a trained SinGAN along a path through its generators: whole, or tile by tile. Official code: SinGAN_generate.

import { leaf } from "../../autodiff/tensor.ts";
import type { Gpu } from "../../gpu/device.ts";
import { channelsOf, crop, isSameSize, NO_WRAPS, type Planes, periodicCrop } from "../../image/planes.ts";
import { submit } from "../../runtime/program.ts";
import { OptionError, type Size } from "../model/config.ts";
import type { Model } from "../model/model.ts";
import { parameterShapes, zStarShape } from "../model/shapes.ts";
import { FrozenScale, type Statistics } from "../networks/frozen-scale.ts";
import { discriminator, macsPerPass } from "../networks/networks.ts";
import { PURPOSE, randomKey } from "../networks/noise.ts";
import { keepingPath, type Path, photoPath, reconstructionPath, resultSize, type Stage, samplePath, sizesFor } from "./path.ts";
import {
  type Band,
  checkShared,
  type Noise,
  planesBytes,
  requireUint32,
  type SampleOptions,
  type Sampler,
  type Sampling,
  type ShareProgress,
  trainedSize,
} from "./sampling.ts";
import { requireDiscriminator, type ScoreMap, scoreMaps } from "./scores.ts";
import {
  bandsOf,
  compileTileProgram,
  freeTileProgram,
  type SamplerContext,
  type TileProgram,
  viewOf,
  type Window,
  wholeOf,
} from "./tile-program.ts";

export interface RenderOptions {
  readonly seed: number;
  /** Number of the picture among those of the seed (default: 0, the first). */
  readonly index?: number;
  /** none: every random noise is left out (default: random). */
  readonly noise?: Noise;
  /** By stage of the path, the noise of the stages whose noise is given: [1 or c,h,w] of noiseSize. */
  readonly given?: readonly (Float32Array | null)[];
}

/** What keeps the layout below the start scale. The noise of the reconstruction exists at the trained size only. */
function sourceBelow(model: Model, { size, below }: SampleOptions): "noise" | "photo" {
  const source = below ?? (size && !isSameSize(size, trainedSize(model)) ? "photo" : "noise");
  if (source !== "noise" && source !== "photo")
    throw new OptionError(`below must be noise or photo, not ${JSON.stringify(source)}`);
  return source;
}

function checkSample(model: Model, options: SampleOptions): void {
  checkShared(model, options);
  const { wraps = NO_WRAPS, startScale = 0 } = options;
  if ((wraps.x || wraps.y) && startScale > 0 && sourceBelow(model, options) === "noise" && model.options.noisePadding)
    throw new OptionError("startScale must be 0 for a seamless tile, or below be photo: this model's z* does not wrap");
  if (options.keep && options.size && !isSameSize(options.size, trainedSize(model)))
    throw new OptionError("parts of the photo can be kept in pictures of the trained size only");
  // What photoPath() refuses is checked by now; the path itself would cost a resize of the photo.
  if (sourceBelow(model, options) === "noise") samplePath(model, options);
}

/** Bytes of a tile's widest activation. With a layer's input, the weights and pictures, a tile needs some 70 MB in all (docs/adr/0007). */
const TILE_BYTES = 2 ** 25;
/** The widest activation of a tile is the first layer's result; both sides together it is wider than the tile by this much, px. */
const WIDEST = 8;

/** A picture is a pure function of the model, path, seed and index (on one driver), and does not depend on the tiles. */
export class SinganSampler implements Sampler {
  readonly #context: SamplerContext;
  /** The generators that were needed so far, by scale and statistics. */
  readonly #frozen = new Map<string, FrozenScale>();
  /** The program of the last path that was rendered whole: consecutive pictures of one path compile once. */
  #program: { readonly key: string; readonly made: TileProgram } | null = null;
  /** The path of the last sample: a start from the photo costs a resize of it. */
  #path: { readonly key: string; readonly keep: SampleOptions["keep"]; readonly path: Path } | null = null;
  /** Pictures are made one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly gpu: Gpu,
    readonly model: Model,
    private readonly tileBytes: number,
  ) {
    this.#context = {
      ...{ gpu, model },
      frozen: (scale, statistics) => this.#frozenScale(scale, statistics),
      key: [leaf("key", [4]), gpu.alloc(16, "sample key")],
      zStar: [leaf("zStar", zStarShape(model.sizes[0]!, model.options)), gpu.upload(model.zStar, "z*")],
    };
  }

  /**
   * Uploads the model; programs are compiled when they are first needed. A picture whose widest activation exceeds `tileBytes` is made in
   * tiles. Throws OptionError where no scale is trained yet.
   */
  static async load(gpu: Gpu, model: Model, tileBytes = TILE_BYTES): Promise<SinganSampler> {
    trainedSize(model);
    return new SinganSampler(gpu, model, tileBytes);
  }

  #frozenScale(scale: number, statistics: Statistics): FrozenScale {
    const trained = this.model.scales[scale]!;
    const key = `${scale} ${trained.reconstruction ? statistics : "random"}`;
    const made = this.#frozen.get(key) ?? new FrozenScale(this.gpu, trained, this.model.options, statistics);
    this.#frozen.set(key, made);
    return made;
  }

  async sample(options: SampleOptions): Promise<Planes> {
    return this.render(this.#pathOf(options), options);
  }

  async *bands(options: SampleOptions, progress?: ShareProgress): AsyncGenerator<Band> {
    yield* this.renderBands(this.#pathOf(options), options, progress);
  }

  reconstruction(): Promise<Planes> {
    return this.render(reconstructionPath(this.model), { seed: 0 });
  }

  async scores(scale: number, pictures: readonly Planes[]): Promise<ScoreMap[]> {
    requireDiscriminator(this.model, scale, 0);
    const { channels, discriminator: state } = this.model.scales[scale]!;
    return scoreMaps(
      this.gpu,
      { network: discriminator, shapes: parameterShapes("discriminator", channels, this.model.options), state },
      pictures,
    );
  }

  #pathOf(options: SampleOptions): Path {
    checkSample(this.model, options);
    const { size, startScale = 0 } = options;
    const source = sourceBelow(this.model, options);
    const { wraps, keep } = options;
    const key = JSON.stringify([size, startScale, source, wraps]);
    if (this.#path?.key !== key || this.#path.keep !== keep) {
      const plain = (source === "photo" ? photoPath : samplePath)(this.model, { ...options, startScale });
      const path = wraps ? { ...plain, wraps } : plain;
      this.#path = { key, keep, path: keep ? keepingPath(this.model, path, keep) : path };
    }
    return this.#path.path;
  }

  /** The picture of a path; tile by tile where it is large. Throws OptionError for a seed or index out of range, or given noise that is missing. */
  async render(path: Path, options: RenderOptions, progress?: ShareProgress): Promise<Planes> {
    const { width, height } = resultSize(path);
    let whole: Planes | null = null;
    for await (const { top, picture } of this.renderBands(path, options, progress)) {
      if (picture.height === height) return picture;
      whole ??= { width, height, data: new Float32Array(channelsOf(picture) * width * height) };
      copyInto(whole, { top, left: 0 }, picture);
    }
    return whole!;
  }

  /**
   * The same picture in bands from top to bottom. GPU memory is bounded by one tile; main memory holds the picture of the previous stage.
   * Throws as render().
   */
  async *renderBands(path: Path, options: RenderOptions, progress: ShareProgress = () => {}): AsyncGenerator<Band> {
    checkRender(path, options);
    const before = this.#last;
    let done = (): void => {};
    this.#last = new Promise<void>((resolve) => {
      done = resolve;
    });
    await before;
    try {
      this.gpu.write(this.#context.key[1], randomKey(options.seed, PURPOSE.sample, 0, options.index ?? 0));
      if (path.stages.every((stage) => this.#tileSide(stage) >= Math.max(stage.size.width, stage.size.height)))
        yield cropped({ top: 0, picture: await this.#renderWhole(path, options) }, resultSize(path));
      else
        for await (const band of this.#renderTiled(path, options, progress)) {
          if (band.top < resultSize(path).height) yield cropped(band, resultSize(path));
        }
    } finally {
      done();
    }
  }

  /** The side of the largest square tile whose widest activation fits. */
  #tileSide({ scale }: Stage): number {
    const { channels } = this.model.scales[scale]!;
    return Math.max(16, Math.floor(Math.sqrt(this.tileBytes / 4 / channels)) - WIDEST);
  }

  async #renderWhole(path: Path, options: RenderOptions): Promise<Planes> {
    const { stages, start, factor, wraps, keep } = path;
    const inputs = { hasStart: start !== null, noise: options.noise ?? "random" };
    const key = JSON.stringify([stages, factor, wraps, keep !== undefined, inputs]);
    if (this.#program?.key !== key) {
      this.#freeProgram();
      const views = stages.map(({ size }) => viewOf(size, wholeOf(size), this.model.options.noisePadding, wraps));
      this.#program = { key, made: await compileTileProgram(this.#context, path, views, 0, inputs) };
    }
    const { made } = this.#program;
    if (made.start) this.gpu.write(made.start, windowOf(start!, made.startWindow).data);
    return this.#run(made, path, stages.at(-1)!.size, options);
  }

  async *#renderTiled(path: Path, options: RenderOptions, progress: ShareProgress): AsyncGenerator<Band> {
    const { stages } = path;
    const { imageChannels } = this.model.options;
    const cost = ({ scale, size }: Stage) =>
      macsPerPass("generator", this.model.scales[scale]!.channels, size, this.model.options);
    const total = stages.reduce((sum, stage) => sum + cost(stage), 0);
    let done = 0;
    let previous: Planes | null = path.start;
    for (const [i, stage] of stages.entries()) {
      const { size } = stage;
      const isLast = i === stages.length - 1;
      const whole = isLast ? null : { ...size, data: new Float32Array(imageChannels * size.width * size.height) };
      for (const tiles of bandsOf(size, this.#tileSide(stage))) {
        const { top, height } = tiles[0]!;
        const band = { width: size.width, height, data: new Float32Array(imageChannels * size.width * height) };
        for (const tile of tiles) {
          const picture = await this.#renderTile(path, i, tile, previous, options);
          copyInto(band, { top: 0, left: tile.left }, picture);
          done += (cost(stage) * tile.width * tile.height) / (size.width * size.height);
          progress(done / total);
        }
        if (whole) copyInto(whole, { top, left: 0 }, band);
        else yield { top, picture: band };
      }
      previous = whole;
    }
  }

  /** One tile of a stage, from the whole picture of the previous stage. */
  async #renderTile(path: Path, i: number, tile: Window, previous: Planes | null, options: RenderOptions): Promise<Planes> {
    const view = viewOf(path.stages[i]!.size, tile, this.model.options.noisePadding, path.wraps);
    const inputs = { hasStart: previous !== null, noise: options.noise ?? "random" };
    const made = await compileTileProgram(this.#context, path, [view], i, inputs);
    try {
      if (made.start && previous) this.gpu.write(made.start, windowOf(previous, made.startWindow).data);
      return await this.#run(made, path, tile, options);
    } finally {
      freeTileProgram(this.gpu, made);
    }
  }

  async #run({ program, output, given, keep }: TileProgram, path: Path, size: Size, options: RenderOptions): Promise<Planes> {
    for (const [i, slice] of given) this.gpu.write(slice, options.given![i]!);
    for (const [i, { kept, changing, tile }] of keep) {
      this.gpu.write(kept, windowOf(path.keep![i]!.kept, tile).data);
      this.gpu.write(changing, windowOf(path.keep![i]!.changing, tile).data);
    }
    submit(this.gpu, [program]);
    const [data] = await this.gpu.read([program.slice(output)]);
    return { width: size.width, height: size.height, data: data! };
  }

  #freeProgram(): void {
    if (this.#program) freeTileProgram(this.gpu, this.#program.made);
    this.#program = null;
  }

  async dispose(): Promise<void> {
    await this.#last;
    this.#freeProgram();
    const { key, zStar } = this.#context;
    for (const scale of this.#frozen.values()) scale.dispose();
    for (const [, slice] of [key, zStar]) this.gpu.free(slice);
  }
}

/** Main memory holds the pictures of two neighbouring stages. The finest one comes in bands, which count as a quarter of it at most. */
function sampleBytes(model: Model, size: Size): number {
  const [finest, ...others] = sizesFor(model, size)
    .map((one) => planesBytes(one, model.options))
    .reverse();
  const pairs = others.map((bytes, i) => bytes + (others[i + 1] ?? 0));
  return Math.max(finest! / 4 + (others[0] ?? 0), ...pairs);
}

export const singanSampling: Sampling<Model> = { check: checkSample, bytes: sampleBytes, open: SinganSampler.load };

/** A part of a picture. What reaches beyond its borders is of a picture that wraps. */
const windowOf = (picture: Planes, { top, left, width, height }: Window): Planes =>
  top === 0 && left === 0 && isSameSize(picture, { width, height }) ? picture : periodicCrop(picture, left, top, width, height);

/** The part of a band that lies in a picture of this size. */
function cropped({ top, picture }: Band, { width, height }: Size): Band {
  const rows = Math.min(picture.height, height - top);
  return { top, picture: rows === picture.height && width === picture.width ? picture : crop(picture, 0, 0, width, rows) };
}

function copyInto(larger: Planes, { top, left }: Pick<Window, "top" | "left">, { width, height, data }: Planes): void {
  for (let c = 0; c < channelsOf(larger); c++) {
    for (let y = 0; y < height; y++) {
      const row = (c * height + y) * width;
      larger.data.set(data.subarray(row, row + width), (c * larger.height + top + y) * larger.width + left);
    }
  }
}

function checkRender({ stages }: Path, { seed, index = 0, given = [] }: RenderOptions): void {
  requireUint32("seed", seed);
  requireUint32("index", index);
  const missing = stages.findIndex((stage, i) => stage.noise === "given" && !given[i]);
  if (missing >= 0) throw new OptionError(`the noise of stage ${missing} is to be given, but is not`);
}
