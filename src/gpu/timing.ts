// How long compute passes take on the GPU, by its own clock (the feature timestamp-query).

import { type Gpu, GpuError, type Slice } from "./device.ts";
import { promptly } from "./reminders.ts";

/** A query set holds at most this many queries (WebGPU), two per pass. */
const PASSES_PER_SET = 4096 / 2;
const TIMESTAMP_BYTES = 8;

/** Times `passes` passes, submitted together or one after another, any number of times. */
export class PassTimer {
  readonly #sets: readonly GPUQuerySet[];
  readonly #resolved: Slice;
  readonly #staging: Slice;
  #at = 0;

  /** Throws GpuError where the adapter has no timestamp-query. */
  constructor(
    protected readonly gpu: Gpu,
    private readonly passes: number,
  ) {
    const { device } = gpu;
    if (!device.features.has("timestamp-query"))
      throw new GpuError(`${gpu.adapterName} can't time its kernels: it lacks the WebGPU feature timestamp-query`);
    this.#sets = Array.from({ length: Math.ceil(passes / PASSES_PER_SET) }, (_, i) =>
      device.createQuerySet({ type: "timestamp", count: 2 * Math.min(PASSES_PER_SET, passes - i * PASSES_PER_SET) }),
    );
    const size = 2 * TIMESTAMP_BYTES * passes;
    const { QUERY_RESOLVE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
    this.#resolved = gpu.create(size, QUERY_RESOLVE | COPY_SRC, "timestamps");
    this.#staging = gpu.create(size, MAP_READ | COPY_DST, "timestamps read");
  }

  /** The descriptor of the next pass since the last read(). */
  next(): GPUComputePassDescriptor {
    const first = 2 * (this.#at % PASSES_PER_SET);
    const querySet = this.#sets[Math.floor(this.#at++ / PASSES_PER_SET)]!;
    return { timestampWrites: { querySet, beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 } };
  }

  /** Milliseconds of each pass, after everything submitted so far. All of them must have run. */
  async read(): Promise<number[]> {
    const { gpu } = this;
    const [resolved, staging] = [this.#resolved.buffer, this.#staging.buffer];
    this.#at = 0;
    gpu.check();
    const encoder = gpu.device.createCommandEncoder();
    for (const [i, set] of this.#sets.entries())
      encoder.resolveQuerySet(set, 0, set.count, resolved, i * 2 * TIMESTAMP_BYTES * PASSES_PER_SET);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, staging.size);
    gpu.device.queue.submit([encoder.finish()]);
    await promptly(gpu.device, staging.mapAsync(GPUMapMode.READ));
    gpu.check(); // a lost device maps zeros
    const stamps = new BigInt64Array(staging.getMappedRange().slice(0));
    staging.unmap();
    // By the specification, a clock may go back.
    return Array.from({ length: this.passes }, (_, i) => Math.max(0, Number(stamps[2 * i + 1]! - stamps[2 * i]!) / 1e6));
  }

  dispose(): void {
    for (const set of this.#sets) set.destroy();
    for (const slice of [this.#resolved, this.#staging]) this.gpu.free(slice);
  }
}
