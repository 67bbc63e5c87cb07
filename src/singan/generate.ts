// Generation from a trained model: random pictures from any start scale, and the reconstruction. Official code: SinGAN_generate.

import { leaf, type Tensor } from "../autodiff/tensor.ts";
import type { Gpu, Slice } from "../gpu/device.ts";
import type { Planes } from "../image/planes.ts";
import { compile, type Program, submit } from "../runtime/program.ts";
import { OptionError, type Size } from "./config.ts";
import { chain, drawNoise, FrozenScale, grey, greyShape, upsampler } from "./frozen.ts";
import type { Model } from "./model.ts";
import { gpuNoise, PURPOSE, randomKey } from "./noise.ts";

export interface SampleOptions {
  readonly seed: number;
  /** Which picture of the seed; 0 is the first. */
  readonly index?: number;
  /** Scales below it keep the reconstruction's noise: 0 changes the layout, higher ones only detail. */
  readonly startScale?: number;
}

interface Picture {
  readonly program: Program;
  readonly output: Tensor;
  readonly size: Size;
}

/** A model on the GPU, ready to draw. A sample is a pure function of model, seed, index and start scale (on one driver). */
export class Sampler {
  readonly #key = leaf("key", [4]);
  readonly #zStar: Tensor;
  readonly #keySlice: Slice;
  readonly #zStarSlice: Slice;
  readonly #scales: readonly FrozenScale[];
  readonly #pictures = new Map<number, Promise<Picture>>();

  private constructor(
    private readonly gpu: Gpu,
    private readonly model: Model,
  ) {
    this.#zStar = leaf("zStar", greyShape(model.sizes[0]!));
    this.#keySlice = gpu.alloc(16, "sample key");
    this.#zStarSlice = gpu.upload(model.zStar, "z*");
    this.#scales = model.scales.map((scale) => new FrozenScale(gpu, scale));
  }

  /** Uploads the model; programs are compiled when first needed. */
  static async load(gpu: Gpu, model: Model): Promise<Sampler> {
    if (model.scales.length === 0) throw new OptionError("the model has no trained scale yet");
    return new Sampler(gpu, model);
  }

  /** A random picture at the finest trained scale. Throws OptionError for a startScale that the model does not have, or a seed or index out of range. */
  async sample({ seed, index = 0, startScale = 0 }: SampleOptions): Promise<Planes> {
    const last = this.#scales.length - 1;
    for (const [name, value] of Object.entries({ seed, index })) {
      if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32) {
        throw new OptionError(`${name} must be a whole number from 0 to ${2 ** 32 - 1}, not ${value}`);
      }
    }
    if (!Number.isInteger(startScale) || startScale < 0 || startScale > last) {
      throw new OptionError(`start scale must be a whole number from 0 to ${last}, not ${startScale}`);
    }
    return this.#draw(startScale, randomKey(seed, PURPOSE.sample, 0, index));
  }

  /** What the model makes of z*: its memory of the photo. */
  reconstruction(): Promise<Planes> {
    return this.#draw(this.#scales.length, randomKey(0, PURPOSE.sample, 0));
  }

  /** The picture with random noise from `startScale` on and z* below. */
  async #draw(startScale: number, key: Uint32Array): Promise<Planes> {
    let picture = this.#pictures.get(startScale);
    if (!picture) {
      picture = this.#compile(startScale);
      this.#pictures.set(startScale, picture);
    }
    const { program, output, size } = await picture;
    this.gpu.write(this.#keySlice, key); // together with the submit: samples asked for at once do not mix
    submit(this.gpu, [program]);
    const [data] = await this.gpu.read([program.slice(output)]);
    return { ...size, data: data! };
  }

  async #compile(startScale: number): Promise<Picture> {
    const source = gpuNoise(this.#key);
    const noise = (k: number, size: Size) => {
      if (k >= startScale) return drawNoise(source, `z.${k}`, k, size);
      return k === 0 ? grey(this.#zStar) : null;
    };
    const { upsample } = this.model.options;
    const output = chain(this.#scales, noise, upsampler(upsample, this.model.scaleFactor));
    const bindings = new Map([
      ...this.#scales.flatMap((s) => s.bindings),
      [this.#key, this.#keySlice] as const,
      [this.#zStar, this.#zStarSlice] as const,
    ]);
    const program = await compile(this.gpu, { name: `sample from ${startScale}`, outputs: [output], bindings });
    return { program, output, size: this.#scales.at(-1)!.size };
  }

  async dispose(): Promise<void> {
    for (const picture of this.#pictures.values()) (await picture).program.dispose();
    for (const scale of this.#scales) scale.dispose();
    this.gpu.free(this.#keySlice);
    this.gpu.free(this.#zStarSlice);
  }
}
