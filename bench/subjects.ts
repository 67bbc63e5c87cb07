// What is timed: our compiled programs on given values, and the interface that another library's computations have.

import { conv2d, conv2dInput, conv2dWeight } from "../src/autodiff/ops/conv.ts";
import { leaf, type Shape, sizeOf, type Tensor } from "../src/autodiff/tensor.ts";
import type { Gpu } from "../src/gpu/device.ts";
import { compile, submit } from "../src/runtime/program.ts";
import type { Variant } from "../src/runtime/variant.ts";
import { DEFAULTS } from "../src/singan/model/config.ts";
import { parameterShapes } from "../src/singan/model/shapes.ts";
import { criticStep } from "../src/singan/training/singan/scale-graphs.ts";
import { type ConvShapes, type Direction, randomValues, type ScaleCase } from "./cases.ts";
import type { Job } from "./measure.ts";

/** A computation on fixed values. */
export interface Subject {
  readonly run: Job;
  /** The results of the last run, in an order and layout that all libraries share. */
  read(): Promise<Float32Array[]>;
  dispose(): void;
}

/** A value with its shape, row-major. */
export interface Values {
  readonly shape: Shape;
  readonly data: Float32Array<ArrayBuffer>;
}

/** Values of a convolution's three tensors. */
export interface ConvValues {
  readonly x: Values;
  readonly w: Values;
  readonly g: Values;
}

/** Values of a D step. Weights have their official names; those per channel have shape [1,c]. */
export interface StepValues {
  readonly weights: ReadonlyMap<string, Values>;
  readonly real: Values;
  readonly fake: Values;
  readonly alpha: Values;
  /** λ of the gradient penalty. */
  readonly lambda: number;
}

/** Another library, used as its own documentation recommends. */
export interface Peer {
  readonly name: string;
  /** The npm package whose version is reported. */
  readonly package: string;
  conv(direction: Direction, values: ConvValues): Subject;
  /** Reads the losses' sum, then the gradients in the order of the weights. Absent where the library can't compute them. */
  dStep?(values: StepValues): Subject;
}

const random = (stream: number, shape: Shape): Values => ({ shape, data: randomValues(stream, sizeOf(shape)) });

export const convValues = ({ x, w, g }: ConvShapes): ConvValues => ({ x: random(0, x), w: random(1, w), g: random(2, g) });

/** Weights of unit gain, so that neither activations nor gradients vanish. */
export function stepValues({ channels, size: { width, height } }: ScaleCase): StepValues {
  const image: Shape = [1, 3, height, width];
  const weights = [...parameterShapes("discriminator", channels, DEFAULTS)].map(([name, shape], i) => {
    const values = random(10 + i, shape);
    const fanIn = sizeOf(shape.slice(1));
    const scaled = (v: number): number =>
      shape.length === 4 ? v / Math.sqrt(fanIn) : 0.1 * v + (name.endsWith("norm.weight") ? 1 : 0);
    return [name, { shape, data: values.data.map(scaled) }] as const;
  });
  return {
    weights: new Map(weights),
    real: random(3, image),
    fake: random(4, image),
    alpha: { shape: [1], data: Float32Array.of(0.3) },
    lambda: DEFAULTS.lambdaGp,
  };
}

/** Compiles `outputs` on leaves with values. Throws what compile() throws; its buffers are then freed. */
async function program(
  gpu: Gpu,
  name: string,
  outputs: readonly Tensor[],
  leaves: ReadonlyMap<Tensor, Values>,
  variant?: Variant,
): Promise<Subject> {
  const bindings = new Map([...leaves].map(([t, { data }]) => [t, gpu.upload(data, `${name}: ${t}`)] as const));
  const free = () => {
    for (const slice of bindings.values()) gpu.free(slice);
  };
  try {
    const compiled = await compile(gpu, {
      name,
      outputs,
      bindings,
      ...(variant && { choose: (node) => (outputs.includes(node) ? variant : undefined) }), // else as in training, with multi-output kernels
    });
    return {
      run: async (count) => {
        submit(gpu, Array(count).fill(compiled));
        await gpu.finished();
      },
      read: () => gpu.read(outputs.map((t) => compiled.slice(t))),
      dispose: () => {
        compiled.dispose();
        free();
      },
    };
  } catch (error) {
    free();
    throw error;
  }
}

const leafOf = (name: string, { shape }: Values): Tensor => leaf(name, shape);

/** One of our convolutions, with the kernel that training would use or with `variant`. */
export function ourConv(gpu: Gpu, direction: Direction, values: ConvValues, variant?: Variant): Promise<Subject> {
  const [x, w, g] = [leafOf("x", values.x), leafOf("w", values.w), leafOf("g", values.g)];
  const result = { conv2d: () => conv2d(x, w), conv2dInput: () => conv2dInput(g, w), conv2dWeight: () => conv2dWeight(x, g) };
  const all = new Map([
    [x, values.x],
    [w, values.w],
    [g, values.g],
  ]);
  const output = result[direction]();
  return program(gpu, direction, [output], new Map([...all].filter(([t]) => output.inputs.includes(t))), variant);
}

/** Our D step without Adam, as training computes it at small scales: real, fake, gradient penalty, and the gradients of all weights. */
export function ourDStep(gpu: Gpu, { weights, real, fake, alpha, lambda }: StepValues): Promise<Subject> {
  const d = new Map([...weights].map(([name, values]) => [name, leafOf(name, values)]));
  const pictures = { real: leafOf("real", real), fake: leafOf("fake", fake), alpha: leafOf("alpha", alpha) };
  const { losses, gradients } = criticStep(d, pictures, { lambda, batched: true });
  const leaves = new Map([
    ...[...d].map(([name, t]) => [t, weights.get(name)!] as const),
    [pictures.real, real] as const,
    [pictures.fake, fake] as const,
    [pictures.alpha, alpha] as const,
  ]);
  return program(gpu, "D step", [losses.critic, losses.gradientPenalty, ...gradients], leaves).then((subject) => ({
    ...subject,
    read: async () => {
      const [critic, penalty, ...rest] = await subject.read();
      return [Float32Array.of(critic![0]! + critic![1]! + penalty![0]!), ...rest];
    },
  }));
}
