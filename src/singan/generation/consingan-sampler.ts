// Generation from a trained ConSinGAN: random pictures of any size, and the reconstruction.
// Official code: evaluate_model.py, unconditional generation; other sizes scale every stage's.

import { leaf, type Tensor } from "../../autodiff/tensor.ts";
import type { Gpu, Slice } from "../../gpu/device.ts";
import type { Planes } from "../../image/planes.ts";
import { FlatBuffer, Leaves } from "../../runtime/params.ts";
import { compile, type Program, submit } from "../../runtime/program.ts";
import { OptionError, type Size } from "../model/config.ts";
import { generatorShapes } from "../model/consingan-shapes.ts";
import type { ConsinganModel } from "../model/model.ts";
import { generator } from "../networks/consingan-network.ts";
import { gpuNoise, PURPOSE, randomKey } from "../networks/noise.ts";
import { fixedNoise, fixedNoiseKey, StageLeaves, stageNoise } from "../networks/stage-noise.ts";

export interface ConsinganSample {
  readonly seed: number;
  /** Which picture of the seed; 0 is the first. */
  readonly index?: number;
  /** Stages below it keep the reconstruction's input: 0 changes the layout, higher ones only detail. Only at the trained size. */
  readonly startScale?: number;
  /** By default the finest trained stage's. */
  readonly size?: Size;
}

interface Picture {
  readonly program: Program;
  readonly output: Tensor;
  readonly size: Size;
}

/** No side of a picture is longer. */
const MAX_SIDE = 65_535;

/** A model on the GPU, ready to draw. A sample is a pure function of model, seed, index, start scale and size (on one driver). */
export class ConsinganSampler {
  readonly #key = leaf("key", [4]);
  readonly #fixedKey = leaf("fixed key", [4]);
  readonly #weights: Leaves;
  readonly #sizes: readonly Size[];
  /** The amplitudes, the coarsest picture, and places for noise at the trained sizes. */
  readonly #leaves: StageLeaves;
  readonly #slices: Slice[] = [];
  readonly #bindings: ReadonlyMap<Tensor, Slice>;
  readonly #pictures = new Map<string, Promise<Picture>>();

  private constructor(
    private readonly gpu: Gpu,
    private readonly model: ConsinganModel,
  ) {
    const { scales, options, coarsest } = model;
    this.#sizes = scales.map(({ size }) => size);
    this.#weights = new Leaves(new FlatBuffer(gpu, generatorShapes(scales.length, options.channels), "generator"));
    this.#weights.storage.write(model.generator);
    this.#leaves = new StageLeaves(this.#sizes, options.channels);
    const place = (t: Tensor, data: Float32Array | Uint32Array): [Tensor, Slice] => {
      const slice = gpu.upload(data, t.name);
      this.#slices.push(slice);
      return [t, slice];
    };
    this.#bindings = new Map([
      ...this.#weights.bindings,
      place(this.#key, new Uint32Array(4)),
      place(this.#fixedKey, fixedNoiseKey(options.seed)),
      place(this.#leaves.fixed[0]!, coarsest.data),
      ...this.#leaves.amps.map((t, k) => place(t, new Float32Array(t.size).fill(scales[k]!.noiseAmp))),
    ]);
  }

  /** Uploads the model; programs are compiled when first needed. */
  static async load(gpu: Gpu, model: ConsinganModel): Promise<ConsinganSampler> {
    if (model.scales.length === 0) throw new OptionError("the model has no trained scale yet");
    return new ConsinganSampler(gpu, model);
  }

  /** A random picture. Throws OptionError for a size that is none, a start scale that the model does not have, a seed or index out of range. */
  async sample({ seed, index = 0, startScale = 0, size = this.#sizes.at(-1)! }: ConsinganSample): Promise<Planes> {
    for (const [name, value] of Object.entries({ seed, index })) {
      if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32)
        throw new OptionError(`${name} must be a whole number from 0 to ${2 ** 32 - 1}, not ${value}`);
    }
    const last = this.#sizes.length - 1;
    if (!Number.isInteger(startScale) || startScale < 0 || startScale > last)
      throw new OptionError(`startScale must be a whole number from 0 to ${last}, not ${startScale}`);
    const { width, height } = size;
    if (![width, height].every((side) => Number.isInteger(side) && side >= 1 && side <= MAX_SIDE))
      throw new OptionError(`the size must be whole numbers from 1 to ${MAX_SIDE}, not ${width}x${height}`);
    const finest = this.#sizes[last]!;
    if (startScale > 0 && (width !== finest.width || height !== finest.height))
      throw new OptionError(`a start scale above 0 needs the trained size, ${finest.width}x${finest.height}`);
    return this.#draw(startScale, size, randomKey(seed, PURPOSE.sample, 0, index));
  }

  /** What the model makes of the coarsest picture and the noise it learnt with: its memory of the photo. */
  reconstruction(): Promise<Planes> {
    return this.#draw(this.#sizes.length, this.#sizes.at(-1)!, randomKey(0, PURPOSE.sample, 0));
  }

  async #draw(startScale: number, size: Size, key: Uint32Array): Promise<Planes> {
    const name = `${size.width}x${size.height} from ${startScale}`;
    let picture = this.#pictures.get(name);
    if (!picture) {
      picture = this.#compile(name, startScale, size);
      this.#pictures.set(name, picture);
    }
    const { program, output } = await picture;
    this.gpu.write(this.#bindings.get(this.#key)!, key); // together with the submit: samples asked for at once do not mix
    submit(this.gpu, [program]);
    const [data] = await this.gpu.read([program.slice(output)]);
    return { ...size, data: data! };
  }

  async #compile(name: string, startScale: number, size: Size): Promise<Picture> {
    const finest = this.#sizes.at(-1)!;
    const scaled = (side: number, of: "width" | "height") => Math.max(1, Math.round((side * size[of]) / finest[of]));
    const sizes = this.#sizes.map(({ width, height }) => ({ width: scaled(width, "width"), height: scaled(height, "height") }));
    const { amps, fixed } = this.#leaves;
    const random = stageNoise(gpuNoise(this.#key), sizes, this.model.options.channels);
    const noise = [fixed[0]!, ...fixedNoise(this.#fixedKey, fixed).slice(1)];
    const z = random.map((t, k) => (k < startScale ? noise[k]! : t));
    const output = generator(z, amps, sizes, this.#weights.tensors);
    const program = await compile(this.gpu, { name: `sample ${name}`, outputs: [output], bindings: this.#bindings });
    return { program, output, size };
  }

  async dispose(): Promise<void> {
    for (const picture of this.#pictures.values()) (await picture).program.dispose();
    this.#weights.dispose();
    for (const slice of this.#slices) this.gpu.free(slice);
  }
}
