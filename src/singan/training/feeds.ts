// What changes from run to run of a level's programs, and the losses that they write.
// Between the start and the end of a level the CPU only writes these few numbers and reads losses one batch behind the GPU.

import type { Shape, Tensor } from "../../autodiff/tensor.ts";
import type { Gpu, Readback, Slice } from "../../gpu/device.ts";
import { FlatBuffer, Leaves } from "../../runtime/flat-buffer.ts";
import type { Copy, Program } from "../../runtime/program.ts";
import { LOSSES, type LossRecord } from "../model/model.ts";

/** PyTorch's BatchNorm2d momentum. */
const MOMENTUM = 0.1;

/** The inputs of one run: the random key, Adam's step sizes (nn/adam.ts) and the running statistics' momentum. */
export interface Feed {
  readonly key: Uint32Array;
  readonly adam?: readonly [number, number];
  readonly momentum?: number;
}
const FEED = { key: [4], adam: [2], momentum: [1] } as const satisfies Record<keyof Feed, Shape>;

/** The small buffer that every program reads its Feed from, and a buffer for the `count` feeds of one submit. */
export class FeedBlock {
  readonly leaves: Leaves;
  readonly #uploaded: Slice;

  constructor(
    private readonly gpu: Gpu,
    label: string,
    count: number,
  ) {
    this.leaves = new Leaves(new FlatBuffer(gpu, new Map(Object.entries(FEED)), `${label} feed`));
    this.#uploaded = gpu.alloc(count * this.whole.bytes, `${label} feeds`);
  }

  get whole(): Slice {
    return this.leaves.storage.whole;
  }

  tensor(name: keyof Feed): Tensor {
    return this.leaves.tensors.get(name)!;
  }

  write(feed: Feed): void {
    this.gpu.write(this.whole, this.#encoded([feed]));
  }

  /** Uploads the feeds of a submit, after everything submitted so far. Returns for each the copy to where the programs read it. */
  upload(feeds: readonly Feed[]): Copy[] {
    this.gpu.write(this.#uploaded, this.#encoded(feeds));
    const { bytes } = this.whole;
    return feeds.map((_, i) => ({ from: { buffer: this.#uploaded.buffer, offset: i * bytes, bytes }, to: this.whole }));
  }

  #encoded(feeds: readonly Feed[]): Uint8Array {
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
    this.gpu.free(this.#uploaded);
  }
}

/** The losses that the programs write, `critic` being D's two losses, on real and on fake; and a flag for weights that are not finite. */
const LOSS_SHAPES = {
  critic: [2, 1],
  gradientPenalty: [1],
  gAdversarial: [1],
  reconstruction: [1],
  nonFinite: [1],
} as const satisfies Record<string, Shape>;
type LossName = keyof typeof LOSS_SHAPES;

export interface LossReading {
  readonly losses: LossRecord;
  /** What has stopped being a number, in words; null where everything is one. */
  readonly bad: string | null;
}

/** Readbacks in flight: those of two batches, and one to spare. */
const READBACKS = 3;

export class LossBlock {
  readonly #storage: FlatBuffer;
  readonly #readback: Readback;

  constructor(gpu: Gpu, label: string) {
    this.#storage = new FlatBuffer(gpu, new Map(Object.entries(LOSS_SHAPES)), `${label} losses`);
    this.#readback = this.#storage.readback(READBACKS);
  }

  /** Where a graph writes these losses. */
  into(losses: Partial<Record<LossName, Tensor>>): (readonly [Tensor, Slice])[] {
    return Object.entries(losses).map(([name, t]) => [t, this.#storage.slice(name)] as const);
  }

  /** The flag of nonFinite() for the weights. */
  get flag(): Slice {
    return this.#storage.slice("nonFinite");
  }

  async read(): Promise<LossReading> {
    const values = (await this.#readback.read()).flatMap((part) => [...part]);
    const losses = Object.fromEntries(LOSSES.map((name, i) => [name, values[i]!])) as unknown as LossRecord;
    const loss = LOSSES.find((name) => !Number.isFinite(losses[name]));
    return { losses, bad: loss ? `the ${loss} loss` : values[LOSSES.length] === 0 ? null : "a weight" };
  }

  dispose(): void {
    this.#readback.dispose();
    this.#storage.dispose();
  }
}

/** One run of a program within an iteration. */
export interface Run {
  readonly program: Program;
  readonly feed: Feed;
  readonly before: readonly Copy[];
}
