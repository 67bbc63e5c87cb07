// The tape: a Tensor is one node of an expression graph, an Op says how its shape and its derivative follow from its inputs.
// After HIPS/autograd and tinygrad: derivatives are built from the same ops, so they can be differentiated again.

export type Shape = readonly number[];

/** What an op needs in addition to its inputs: plain data, so that nodes can be compared and printed. */
export type Attrs = Readonly<Record<string, unknown>>;
/** The attributes of an op that has none. */
export type None = Record<string, never>;

export class ShapeError extends Error {
  override name = "ShapeError";
}

/** One primitive: its shape rule, its vector-Jacobian products, and the cases on which every test of the registry runs. */
export interface Op<A extends Attrs = Attrs> {
  readonly name: string;
  /** Output shape; throws ShapeError where the inputs do not fit. */
  shape(inputs: readonly Shape[], attrs: A): Shape;
  /**
   * Cotangents of the inputs given the cotangent `g` of the output, written in tape ops; null where the derivative is zero by
   * definition (a mask, a cached statistic). Cotangents that nobody uses are dead nodes: they cost nothing.
   */
  vjp(g: Tensor, node: Tensor<A>): (Tensor | null)[];
  /** Input shapes and attributes that the generic tests run. */
  readonly examples: readonly Example<A>[];
  /** For a fused op: the same function in other tape ops; its derivative and its oracle. */
  composed?(inputs: readonly Tensor[], attrs: A): Tensor;
}

export interface Example<A extends Attrs = Attrs> {
  readonly inputs: readonly Shape[];
  readonly attrs: A;
  /** Inputs are drawn from N(0,1) unless "positive" (for square roots) or "bits" (random-number keys). */
  readonly domain?: "positive" | "bits";
  /** Input `to` is a function of the others, which `make` computes: cached moments, for example. */
  readonly derive?: { readonly to: number; readonly make: (inputs: readonly Tensor[]) => Tensor };
}

/** An example on normal values: the op's attributes, then the shapes of its inputs. */
export const example = <A extends Attrs>(attrs: A, ...inputs: readonly Shape[]): Example<A> => ({ inputs, attrs });

/** Creation order is execution order (see runtime/plan.ts); the counter is the tape's only state. */
let created = 0;

export class Tensor<A extends Attrs = Attrs> {
  readonly order = created++;
  constructor(
    readonly op: Op<A> | null,
    readonly inputs: readonly Tensor[],
    readonly shape: Shape,
    readonly attrs: A,
    readonly name: string,
  ) {}

  get size(): number {
    return sizeOf(this.shape);
  }

  toString(): string {
    return `${this.name}[${this.shape.join(",")}]`;
  }
}

export function sizeOf(shape: Shape): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** A leaf: a parameter, a photo, a key. Its values are bound when the graph is compiled. */
export function leaf(name: string, shape: Shape): Tensor {
  return new Tensor(null, [], [...shape], {}, name);
}

/** Appends a node. Shapes are checked here, so that an error carries the stack of the model code that made it. */
export function apply<A extends Attrs>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor {
  const shape = op.shape(
    inputs.map((t) => t.shape),
    attrs,
  );
  return new Tensor(op, inputs, shape, attrs, op.name);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((v, i) => v === b[i]);
}

export function requireShape(condition: boolean, message: string): asserts condition {
  if (!condition) throw new ShapeError(message);
}

/** The shape of both inputs of an op. Throws ShapeError where they differ. */
export function commonShape(name: string, [a, b]: readonly Shape[]): Shape {
  requireShape(sameShape(a!, b!), `${name}: [${a}] and [${b}] differ`);
  return a!;
}

/** All nodes that `outputs` depend on, in creation order. `stop` nodes are included, but not what they depend on. */
export function reachable(outputs: Iterable<Tensor>, stop: ReadonlySet<Tensor> = new Set()): Tensor[] {
  const seen = new Set<Tensor>();
  const stack = [...outputs];
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    if (!stop.has(node)) stack.push(...node.inputs);
  }
  return [...seen].sort((a, b) => a.order - b.order);
}
