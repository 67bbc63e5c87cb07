// Golden samplings: pictures of a trained model from recorded noise, and its reconstruction, made by the program's own sampler.
// The official code rounds a picture down to 8 bits before it enlarges it, and the program does not. So every step from one recorded
// picture to the next is compared closely, and the whole chain from the noise only as far as the rounding allows. See i_sampling in
// test/golden/README.md.

import { crop, type Planes, rmse } from "../../src/image/planes.ts";
import { type Path, reconstructionPath, samplePath } from "../../src/singan/generation/path.ts";
import { SinganSampler } from "../../src/singan/generation/singan-sampler.ts";
import type { LossRecord, Model } from "../../src/singan/model/model.ts";
import { TAIL } from "../../src/singan/model/shapes.ts";
import { resolveOptions } from "../../src/singan/recipes.ts";
import { type Comparison, compare, type GoldenCase, recordedNet } from "./case.ts";
import type { Check } from "./ops.ts";

/** max|got − want| of a step: float32 rounding. 7e-7 was the most here. */
const STEP = 5e-6;
/** Root mean square of got − want over the whole chain. Each rounding takes up to 2/255, which the generators enlarge. 0.024 was the most here. */
const CHAIN = 0.03;
/** The official resize leaves out what lies before the first row and column, where the program mirrors: it differs in this many of them. */
const BORDER = 2;

export const sampling: Check = async (gpu, golden) => {
  const model = recordedModel(golden);
  const sampler = await SinganSampler.load(gpu, model);
  const resizer = await SinganSampler.load(gpu, withoutResiduals(model));
  const replay = new SamplingReplay(golden, sampler, resizer);
  try {
    await replay.follow("rec", reconstructionPath(model));
    for (let i = 0; i < golden.params.samples; i++) {
      const path = samplePath(model);
      const stages = path.stages.map((stage) => ({ ...stage, noise: "given" as const }));
      const noise = stages.map((_, k) => golden.f32(`sample.${i}.noise.${k}`));
      await replay.follow(`sample.${i}`, { ...path, stages }, noise);
    }
    return replay.comparisons;
  } finally {
    await sampler.dispose();
    await resizer.dispose();
  }
};

function recordedModel(golden: GoldenCase): Model {
  const { channels, scale_factor: scaleFactor, noise_amps: amps } = golden.params;
  const sizes = (golden.params.sizes as [number, number][]).map(([height, width]) => ({ width, height }));
  const losses: LossRecord = { dReal: 0, dFake: 0, gradientPenalty: 0, gAdversarial: 0, reconstruction: 0 };
  const scales = sizes.map((size, k) => ({
    ...{ size, channels, noiseAmp: amps[k], losses, seconds: 0 },
    generator: recordedNet(golden, `G.${k}`, "generator"),
    discriminator: new Map(),
  }));
  const finest = sizes.at(-1)!;
  const photo = { ...finest, data: new Float32Array(3 * finest.width * finest.height) };
  const options = resolveOptions({ channels, upsample: "bicubic" });
  return { options, scaleFactor, sizes, scales, zStar: golden.f32("z_star"), photo };
}

/** The model with generators that return the picture below: what is left of a path are its resizes. */
function withoutResiduals(model: Model): Model {
  const scales = model.scales.map((scale) => {
    const generator = new Map(scale.generator);
    for (const name of [`${TAIL.generator}.weight`, `${TAIL.generator}.bias`])
      generator.set(name, new Float32Array(generator.get(name)!.length));
    return { ...scale, generator };
  });
  return { ...model, scales };
}

class SamplingReplay {
  readonly comparisons: Comparison[] = [];

  constructor(
    private readonly golden: GoldenCase,
    private readonly sampler: SinganSampler,
    private readonly resizer: SinganSampler,
  ) {}

  /** Compares every resize, every pass through a generator, and the picture of every scale from the noise, along a path. */
  async follow(name: string, path: Path, noise: readonly Float32Array[] = []): Promise<void> {
    for (const [k, stage] of path.stages.entries()) {
      const picture = `${name}.picture.${k}`;
      const want: Planes = { ...stage.size, data: this.golden.f32(picture) };
      let start: Planes | null = null;
      if (k > 0) {
        await this.#compareResize(name, path, k);
        const chained = await this.sampler.render({ ...path, stages: path.stages.slice(0, k + 1) }, { seed: 0, given: noise });
        this.comparisons.push(compare(`${picture} from the noise, rms`, [rmse(chained, want)], [0], CHAIN));
        start = { ...stage.size, data: this.golden.f32(`${name}.below.${k}`) };
      }
      const step = await this.sampler.render({ ...path, stages: [stage], start }, { seed: 0, given: noise.slice(k) });
      this.comparisons.push(compare(picture, step.data, want.data, STEP));
    }
  }

  /** The recorded picture below scale k is rounded down as in the official code. Clamping is left to the program. */
  async #compareResize(name: string, path: Path, k: number): Promise<void> {
    const below = `${name}.below.${k}`;
    const stages = path.stages.slice(k - 1, k + 1).map((stage) => ({ ...stage, noise: "none" as const }));
    const { width, height } = stages[1]!.size;
    const start = { ...stages[0]!.size, data: roundedDown(this.golden.f32(`${name}.picture.${k - 1}`)) };
    const resized = await this.resizer.render({ ...path, stages, start }, { seed: 0 });
    const [got, want] = [resized, { width, height, data: this.golden.f32(below) }].map(
      (planes) => crop(planes, BORDER, BORDER, width - BORDER, height - BORDER).data,
    );
    this.comparisons.push(compare(below, got!, want!, STEP));
  }
}

/** Down to the levels of 8 bits, in float32 as in the official code, but not clamped to them. */
const roundedDown = (x: Float32Array): Float32Array =>
  x.map((v) => (Math.floor(Math.fround(255 * (Math.fround(v + 1) / 2))) / 255) * 2 - 1);
