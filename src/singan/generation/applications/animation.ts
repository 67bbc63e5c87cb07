// Animation: frames along a random walk of the noise around z*, so that the picture moves but stays recognizable. The walk is pure.
// Official code: animation.py (generate_gif), which ignores its α by mistake; here α has effect. Closed walks for endless loops are ours.

import { normals } from "../../../autodiff/philox.ts";
import type { Planes } from "../../../image/planes.ts";
import { OptionError } from "../../model/config.ts";
import type { Model } from "../../model/model.ts";
import { noiseSize } from "../../model/shapes.ts";
import { PURPOSE, randomKey } from "../../networks/noise.ts";
import { type Path, type Stage, samplePath } from "../path.ts";
import { requireUint32 } from "../sampling.ts";
import type { SinganSampler } from "../singan-sampler.ts";

export interface WalkOptions {
  /** Number of frames; in a loop the first follows the last. */
  readonly frames: number;
  readonly seed: number;
  /** Pull towards z*, 0 … 1: a larger value stays nearer to the photo. */
  readonly alpha: number;
  /** Persistence, 0 … 1: a larger value moves more smoothly and more slowly. */
  readonly beta: number;
  /** Whether the walk ends where it began; this needs some pull, alpha ≥ 0.01. */
  readonly loop: boolean;
}
export interface AnimationOptions extends WalkOptions {
  /** The scales below it stand still: they keep the noise of the reconstruction. */
  readonly startScale: number;
}
export const ANIMATION = { frames: 100, seed: 0, alpha: 0.1, beta: 0.9, startScale: 0, loop: false } as const;

/** Without a pull the walk strays without limit, and a closed one would have to start arbitrarily far away. */
const LEAST_LOOP_ALPHA = 0.01;
/** Share of noise in the first step away from z*. */
const FIRST_STEP = 0.05;

/** Throws OptionError with one line that names the option and its range. */
function checkWalk({ frames, seed, alpha, beta, loop }: WalkOptions): void {
  requireUint32("frames", frames, 1);
  requireUint32("seed", seed);
  for (const [name, value, low] of [
    ["alpha", alpha, loop ? LEAST_LOOP_ALPHA : 0],
    ["beta", beta, 0],
  ] as const) {
    if (!(value >= low && value <= 1))
      throw new OptionError(`${name} must be a number from ${low} to 1${low > 0 ? " in a loop" : ""}, not ${value}`);
  }
}

/** The noise of one scale that walks. */
interface ScaleNoise {
  readonly scale: number;
  /** Number of values. */
  readonly count: number;
  /** The centre Z of the walk; null is 0. */
  readonly z: Float32Array | null;
}

/**
 * Yields the noise of one scale, frame by frame, without end. The official walk, with new n_t ~ N(0,1) in every step:
 *   z_0 = Z,  z_1 = 0.95·Z + 0.05·n_0,  z_{t+1} = α·Z + (1−α)·(z_t + β·(z_t − z_{t−1}) + (1−β)·n_t);  the frames are z_2, z_3, …
 * In a loop the n_t repeat after T frames, and the walk starts at the point to which it returns after T steps. u = z − Z follows
 *   u_{t+1} = (1−α)·((1+β)·u_t − β·u_{t−1} + (1−β)·n_t),
 * which is linear in (u_t, u_{t−1}) with a constant matrix M. So the start is (I − M^T)⁻¹ times the result of T steps from 0, and frame T
 * equals frame 0. All values are a function of (seed, scale, frame) and are computed in float64.
 */
export function* noiseWalk({ scale, count, z }: ScaleNoise, options: WalkOptions): Generator<Float32Array, never> {
  checkWalk(options);
  const { frames, seed, alpha, beta, loop } = options;
  const noise = (t: number) => normals(randomKey(seed, PURPOSE.animation, scale, t), 0, count);
  const [onNow, onBefore, onNoise] = [(1 - alpha) * (1 + beta), (1 - alpha) * -beta, (1 - alpha) * (1 - beta)];
  let now = new Float64Array(count);
  let before = new Float64Array(count);
  const step = (t: number): void => {
    const n = noise(t);
    for (let i = 0; i < count; i++) before[i] = onNow * now[i]! + onBefore * before[i]! + onNoise * n[i]!;
    [now, before] = [before, now];
  };
  const picture = () => Float32Array.from(now, (u, i) => (z ? z[i]! : 0) + u);
  if (!loop) {
    const n = noise(0);
    for (let i = 0; i < count; i++) now[i] = FIRST_STEP * (n[i]! - (z ? z[i]! : 0));
    for (let t = 1; ; t++) {
      step(t);
      yield picture();
    }
  }
  for (let t = 0; t < frames; t++) step(t);
  const [a, b, c, d] = closing([onNow, onBefore, 1, 0], frames);
  const start = { now: now.map((u, i) => a * u + b * before[i]!), before: before.map((u, i) => c * now[i]! + d * u) };
  for (;;) {
    now = start.now.slice();
    before = start.before.slice();
    for (let t = 0; t < frames; t++) {
      yield picture();
      step(t);
    }
  }
}

/** A 2x2 matrix, row by row. */
type Matrix = readonly [number, number, number, number];

const product = ([a, b, c, d]: Matrix, [e, f, g, h]: Matrix): Matrix => [
  a * e + b * g,
  a * f + b * h,
  c * e + d * g,
  c * f + d * h,
];

/** (I − M^T)⁻¹. */
function closing(m: Matrix, frames: number): Matrix {
  let power: Matrix = [1, 0, 0, 1];
  for (let t = 0; t < frames; t++) power = product(power, m);
  const [a, b, c, d] = [1 - power[0], -power[1], -power[2], 1 - power[3]];
  const determinant = a * d - b * c;
  return [d / determinant, -b / determinant, -c / determinant, a / determinant];
}

/** The path of every frame: a sample's path with given noise from the start scale on. Throws OptionError for options out of range. */
export function animationPath(model: Model, options: AnimationOptions): Path {
  const { startScale } = options;
  checkWalk(options);
  const path = samplePath(model, { startScale });
  const walks = (stage: Stage): Stage => ({ ...stage, noise: "given", statistics: "reconstruction" });
  return { ...path, stages: path.stages.map((stage) => (stage.scale < startScale ? stage : walks(stage))) };
}

/**
 * Yields the frames at the trained size. The walk of the coarsest scale has the centre z*, those of the others 0. Throws OptionError
 * before the first frame.
 */
export async function* animate(sampler: SinganSampler, wanted: Partial<AnimationOptions> = {}): AsyncGenerator<Planes> {
  const options: AnimationOptions = { ...ANIMATION, ...wanted };
  const { model } = sampler;
  const path = animationPath(model, options);
  const walks = path.stages.map(({ scale, size, noise, grey }) => {
    if (noise !== "given") return null;
    const { width, height } = noiseSize(size, model.options);
    return noiseWalk(
      { scale, count: (grey ? 1 : model.options.imageChannels) * width * height, z: scale === 0 ? model.zStar : null },
      options,
    );
  });
  for (let frame = 0; frame < options.frames; frame++)
    yield await sampler.render(path, { seed: options.seed, given: walks.map((walk) => walk?.next().value ?? null) });
}
