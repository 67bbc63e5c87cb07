// What changes from run to run of a scale's programs, what they tell, and how iterations become submits.
// Between the start and the end of a scale the CPU only writes these few numbers and reads losses a batch behind.

import type { Shape, Tensor } from "../autodiff/tensor.ts";
import type { Gpu, Slice } from "../gpu/device.ts";
import { FlatBuffer, Leaves } from "../runtime/params.ts";
import { type Copy, type Program, submit } from "../runtime/program.ts";
import type { LossRecord } from "./model.ts";

/** PyTorch's BatchNorm2d momentum. */
const MOMENTUM = 0.1;

/** The inputs of one run: the random key, Adam's step sizes (nn/adam.ts) and the running statistics' momentum. */
export interface Feed {
  readonly key: Uint32Array;
  readonly adam?: readonly [number, number];
  readonly momentum?: number;
}
const FEED = { key: [4], adam: [2], momentum: [1] } as const satisfies Record<keyof Feed, Shape>;

/** The small block of buffers that every program reads its Feed from. */
export class FeedBlock {
  readonly leaves: Leaves;

  constructor(gpu: Gpu, label: string) {
    this.leaves = new Leaves(new FlatBuffer(gpu, new Map(Object.entries(FEED)), `${label} feed`));
  }

  get whole(): Slice {
    return this.leaves.storage.whole;
  }

  tensor(name: keyof Feed): Tensor {
    return this.leaves.tensors.get(name)!;
  }

  write({ key, adam = [0, 0], momentum = MOMENTUM }: Feed): void {
    const data = { key, adam: Float32Array.from(adam), momentum: Float32Array.of(momentum) };
    this.leaves.storage.write(new Map(Object.entries(data)));
  }

  /** The bytes of many feeds one after the other, as the block has them. */
  lay(feeds: readonly Feed[]): Uint8Array<ArrayBuffer> {
    const { slices } = this.leaves.storage;
    const data = new ArrayBuffer(this.whole.bytes * feeds.length);
    feeds.forEach(({ key, adam = [0, 0], momentum = MOMENTUM }, i) => {
      const at = (name: keyof Feed) => i * this.whole.bytes + slices.get(name)!.offset;
      new Uint32Array(data, at("key"), key.length).set(key);
      new Float32Array(data, at("adam"), adam.length).set(adam);
      new Float32Array(data, at("momentum"), 1)[0] = momentum;
    });
    return new Uint8Array(data);
  }

  dispose(): void {
    this.leaves.dispose();
  }
}

export type LossName = keyof LossRecord;
const LOSSES: readonly LossName[] = ["dReal", "dFake", "gradientPenalty", "gAdversarial", "reconstruction"];

/** Where the programs leave their losses. */
export class LossBlock {
  readonly #storage: FlatBuffer;

  constructor(
    private readonly gpu: Gpu,
    label: string,
  ) {
    this.#storage = new FlatBuffer(gpu, new Map(LOSSES.map((name) => [name, [1]])), `${label} losses`);
  }

  slice(name: LossName): Slice {
    return this.#storage.slice(name);
  }

  async read(): Promise<LossRecord> {
    const values = await this.gpu.read(LOSSES.map((name) => this.slice(name)));
    return Object.fromEntries(LOSSES.map((name, i) => [name, values[i]![0]!])) as unknown as LossRecord;
  }

  dispose(): void {
    this.#storage.dispose();
  }
}

export interface Run {
  readonly program: Program;
  readonly feed: Feed;
}

export interface Job {
  readonly name: string;
  readonly iterations: number;
  /** The runs of one iteration, in order. */
  plan(iteration: number): readonly Run[];
}

export interface Progress {
  /** Iterations that are done. */
  readonly iteration: number;
  readonly losses: LossRecord;
}

/** Aims at this many ms per submit: short enough for the page and the driver's watchdog, long enough to hide the submit itself. */
const TARGET_BATCH_MS = 150;
const MAX_BATCH = 32;

/**
 * Runs all iterations of `job` in batches sized by measured time, of at most `maxBatch`. Yields the losses after each batch, one batch
 * behind the GPU; leaving early waits for the batch in flight. Throws where a loss is not finite.
 */
export async function* runBatches(
  gpu: Gpu,
  feed: FeedBlock,
  losses: LossBlock,
  job: Job,
  maxBatch = MAX_BATCH,
): AsyncGenerator<Progress> {
  let inFlight: Promise<Progress> | null = null;
  let size = 1;
  try {
    for (let at = 0; at < job.iterations; ) {
      const count = Math.min(size, job.iterations - at);
      const start = performance.now();
      const previous: typeof inFlight = inFlight;
      inFlight = submitBatch(gpu, feed, losses, job, at, count);
      inFlight.catch(() => {}); // awaited below, but perhaps only after a pause
      at += count;
      if (previous) yield await previous;
      const wanted = Math.round((TARGET_BATCH_MS * count) / Math.max(performance.now() - start, 0.1));
      size = Math.max(1, Math.min(maxBatch, 2 * size, wanted));
    }
    if (inFlight) yield await inFlight;
  } finally {
    await inFlight?.catch(() => {});
  }
}

async function submitBatch(
  gpu: Gpu,
  feed: FeedBlock,
  losses: LossBlock,
  { name, plan }: Job,
  first: number,
  count: number,
): Promise<Progress> {
  const runs = Array.from({ length: count }, (_, i) => plan(first + i)).flat();
  const ring = gpu.upload(feed.lay(runs.map((run) => run.feed)), `${name} feeds`);
  const { bytes } = feed.whole;
  const steps: (Program | Copy)[] = runs.flatMap(({ program }, i) => [
    { from: { buffer: ring.buffer, offset: i * bytes, bytes }, to: feed.whole },
    program,
  ]);
  submit(gpu, steps);
  try {
    const iteration = first + count;
    const values = await losses.read();
    const bad = LOSSES.find((loss) => !Number.isFinite(values[loss]));
    if (bad) {
      throw new Error(
        `${name}, iteration ${iteration}: the ${bad} loss is not a number: try another seed or a lower learning rate`,
      );
    }
    return { iteration, losses: values };
  } finally {
    gpu.free(ring);
  }
}
