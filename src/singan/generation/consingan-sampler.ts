// Pictures from a trained ConSinGAN: random samples of any size, and the reconstruction.
// Official code: evaluate_model.py, unconditional generation; for another size, the sizes of all stages are scaled.

import { leaf, type Tensor } from "../../autodiff/tensor.ts";
import type { Gpu, Slice } from "../../gpu/device.ts";
import { isSameSize, type Planes } from "../../image/planes.ts";
import { FlatBuffer, Leaves } from "../../runtime/flat-buffer.ts";
import { compile, type Program, submit } from "../../runtime/program.ts";
import { OptionError, type Size } from "../model/config.ts";
import { discriminatorShapes, generatorShapes, stageNoiseShape } from "../model/consingan-models.ts";
import type { ConsinganModel } from "../model/model.ts";
import { discriminator, generator } from "../networks/consingan-network.ts";
import { fixedNoiseKey, gpuNoise, PURPOSE, randomKey, stageNoise } from "../networks/noise.ts";
import { type Band, checkShared, planesBytes, type SampleOptions, type Sampler, type Sampling, trainedSize } from "./sampling.ts";
import { requireDiscriminator, type ScoreMap, scoreMaps } from "./scores.ts";

/** The longest side of a picture in one piece, px; photos have the same limit. */
const MAX_SIDE = 65_535;

/** The layout below the start scale is always kept by the reconstruction's input, which exists at the trained size only. */
function checkSample(model: ConsinganModel, options: SampleOptions): void {
  checkShared(model, options);
  const trained = trainedSize(model);
  const { size = trained, startScale = 0 } = options;
  const recipe = `in the recipe ${model.options.recipe}`;
  if (options.below !== undefined) throw new OptionError(`below has no meaning ${recipe}`);
  if (options.noise === "none") throw new OptionError(`noise must be random ${recipe}`);
  if (options.keep) throw new OptionError(`parts of the photo can't be kept ${recipe}`);
  if (options.wraps?.x || options.wraps?.y) throw new OptionError(`seamless tiles can't be made ${recipe}`);
  if (Math.max(size.width, size.height) > MAX_SIDE)
    throw new OptionError(`${size.width}x${size.height} is too large: a side has at most ${MAX_SIDE} px ${recipe}`);
  if (startScale > 0 && !isSameSize(size, trained))
    throw new OptionError(
      `startScale must be 0 unless the picture has the trained size, ${trained.width}x${trained.height}, ${recipe}`,
    );
}

/** The program of all pictures of one size and start scale. */
interface PictureProgram {
  readonly program: Program;
  readonly output: Tensor;
}

export class ConsinganSampler implements Sampler {
  readonly #key = leaf("key", [4]);
  readonly #fixedKey = leaf("fixed key", [4]);
  readonly #weights: Leaves;
  /** Sizes of the trained stages, coarsest first. */
  readonly #sizes: readonly Size[];
  readonly #coarsest: Tensor;
  readonly #amps: readonly Tensor[];
  readonly #slices: Slice[] = [];
  readonly #bindings: ReadonlyMap<Tensor, Slice>;
  readonly #programs = new Map<string, Promise<PictureProgram>>();

  private constructor(
    private readonly gpu: Gpu,
    readonly model: ConsinganModel,
  ) {
    const { scales, options, coarsest } = model;
    const { channels, seed } = options;
    this.#sizes = scales.map(({ size }) => size);
    this.#weights = new Leaves(new FlatBuffer(gpu, generatorShapes(scales.length, channels), "generator"));
    this.#weights.storage.write(model.generator);
    this.#coarsest = leaf("coarsest", stageNoiseShape(0, this.#sizes[0]!, channels));
    this.#amps = scales.map((_, k) => leaf(`amp.${k}`, [1, channels]));
    const upload = (t: Tensor, data: Float32Array | Uint32Array): [Tensor, Slice] => {
      const slice = gpu.upload(data, t.name);
      this.#slices.push(slice);
      return [t, slice];
    };
    this.#bindings = new Map([
      ...this.#weights.bindings,
      upload(this.#key, new Uint32Array(4)),
      upload(this.#fixedKey, fixedNoiseKey(seed)),
      upload(this.#coarsest, coarsest.data),
      ...this.#amps.map((t, k) => upload(t, new Float32Array(t.size).fill(scales[k]!.noiseAmp))),
    ]);
  }

  /** Uploads the model; programs are compiled when they are first needed. Throws OptionError where no scale is trained yet. */
  static async load(gpu: Gpu, model: ConsinganModel): Promise<ConsinganSampler> {
    trainedSize(model);
    return new ConsinganSampler(gpu, model);
  }

  async sample(options: SampleOptions): Promise<Planes> {
    checkSample(this.model, options);
    const { seed, index, startScale = 0, size = trainedSize(this.model) } = options;
    return this.#render(startScale, size, randomKey(seed, PURPOSE.sample, 0, index));
  }

  /** One band: the picture is made in one piece, whatever its size. */
  async *bands(options: SampleOptions, progress: (share: number) => void = () => {}): AsyncGenerator<Band> {
    const picture = await this.sample(options);
    progress(1);
    yield { top: 0, picture };
  }

  /** Made from the coarsest picture and the noise that the model was trained with. */
  reconstruction(): Promise<Planes> {
    return this.#render(this.#sizes.length, trainedSize(this.model), randomKey(0, PURPOSE.sample, 0));
  }

  /** The model has the discriminator of the last trained scale only. */
  async scores(scale: number, pictures: readonly Planes[]): Promise<ScoreMap[]> {
    requireDiscriminator(this.model, scale, this.#sizes.length - 1);
    const { options, discriminator: state } = this.model;
    return scoreMaps(this.gpu, { network: discriminator, shapes: discriminatorShapes(options.channels), state }, pictures);
  }

  async #render(startScale: number, size: Size, key: Uint32Array): Promise<Planes> {
    const name = `${size.width}x${size.height} from ${startScale}`;
    let made = this.#programs.get(name);
    if (!made) {
      made = this.#compile(name, startScale, size);
      this.#programs.set(name, made);
    }
    const { program, output } = await made;
    // No await between key and submit: samples that are asked for at the same time do not mix.
    this.gpu.write(this.#bindings.get(this.#key)!, key);
    submit(this.gpu, [program]);
    const [data] = await this.gpu.read([program.slice(output)]);
    return { ...size, data: data! };
  }

  async #compile(name: string, startScale: number, size: Size): Promise<PictureProgram> {
    const finest = trainedSize(this.model);
    const { channels } = this.model.options;
    const scaled = (side: number, of: "width" | "height") => Math.max(1, Math.round((side * size[of]) / finest[of]));
    const sizes = this.#sizes.map(({ width, height }) => ({ width: scaled(width, "width"), height: scaled(height, "height") }));
    const random = stageNoise(gpuNoise(this.#key), sizes, channels);
    const fixed = [this.#coarsest, ...stageNoise(gpuNoise(this.#fixedKey), this.#sizes, channels).slice(1)];
    const z = random.map((t, k) => (k < startScale ? fixed[k]! : t));
    const output = generator(z, this.#amps, sizes, this.#weights.tensors);
    const program = await compile(this.gpu, { name: `sample ${name}`, outputs: [output], bindings: this.#bindings });
    return { program, output };
  }

  async dispose(): Promise<void> {
    for (const made of this.#programs.values()) (await made).program.dispose();
    this.#weights.dispose();
    for (const slice of this.#slices) this.gpu.free(slice);
  }
}

export const consinganSampling: Sampling<ConsinganModel> = {
  check: checkSample,
  bytes: ({ options }, size) => planesBytes(size, options),
  open: ConsinganSampler.load,
};
