// The GPU: one device, its buffers, its pipelines, its errors. Knows no mathematics.
// After ratchet (compile once, replay often) and the device-loss advice of toji.dev/webgpu-best-practices.

import { Pipelines } from "./pipelines.ts";
import { type DeviceProfile, profileOf } from "./profile.ts";
import { promptly } from "./reminders.ts";

/** A range of a GPU buffer: what a kernel binds. `offset` is a multiple of 256 bytes. */
export interface Slice {
  readonly buffer: GPUBuffer;
  readonly offset: number;
  readonly bytes: number;
}

export interface GpuStats {
  readonly buffers: number;
  readonly bytes: number;
  readonly pipelines: number;
}

export class GpuError extends Error {
  override name = "GpuError";
}

/** The device is gone, with everything on it: its driver restarted, its process crashed, or its memory ran out. */
export class DeviceLostError extends GpuError {
  override name = "DeviceLostError";
}

/** The GPU has no memory left for a buffer. */
export class OutOfMemoryError extends GpuError {
  override readonly name = "OutOfMemoryError";
}

/** A buffer larger than the adapter binds. */
export class BindingLimitError extends GpuError {
  constructor(
    label: string,
    readonly bytes: number,
    readonly limit: number,
  ) {
    super(`${label} needs ${bytes} bytes; this adapter binds at most ${limit}`);
  }
}

/** Storage bindings start at multiples of this (the WebGPU default limit). */
export const SLICE_ALIGNMENT = 256;
/** Whether a kernel can bind a slice where it is. */
export const isBindable = ({ offset }: Slice): boolean => offset % SLICE_ALIGNMENT === 0;
/** The `at`-th of `samples` equal parts of a slice: a batch's sample. */
export const sampleOf = ({ buffer, offset, bytes }: Slice, samples: number, at: number): Slice => ({
  buffer,
  offset: offset + (bytes / samples) * at,
  bytes: bytes / samples,
});
/** Kernels read whole vec4s, so every buffer holds a whole number of them. */
export const padTo = (bytes: number, alignment: number): number => Math.ceil(bytes / alignment) * alignment;

/** A failed call waits so long for the news that the device is lost. */
const LOSS_MS = 200;

const OPTIONAL_FEATURES: readonly GPUFeatureName[] = ["timestamp-query", "subgroups"];

export class Gpu {
  #buffers = new Map<GPUBuffer, number>();
  #bytes = 0;
  #peakBytes = 0;
  #failure: Error | null = null;
  /** Until it is removed, it keeps the device alive, with 40 to 70 MB on a software adapter. */
  readonly #onUncaptured = (event: GPUUncapturedErrorEvent): void => {
    const isMemory = event.error.constructor.name === "GPUOutOfMemoryError"; // a class that not every runtime has as a global
    this.#failure ??= new (isMemory ? OutOfMemoryError : GpuError)(`WebGPU: ${oneLine(event.error.message)}`);
  };
  #disposed = false;
  /** The Gpu that this is a dry run of; this one where it is none. What is known of the adapter holds for both. */
  readonly original: Gpu;

  private constructor(
    readonly device: GPUDevice,
    readonly adapterInfo: GPUAdapterInfo,
    readonly pipelines = new Pipelines(device),
    readonly profile: DeviceProfile = profileOf(adapterInfo, device.features),
    original?: Gpu,
  ) {
    this.original = original ?? this;
    device.lost.then((info) => {
      const text = oneLine(info.message);
      // Errors just before a loss are its first signs, so it replaces them.
      if (!this.#disposed) this.#failure = new DeviceLostError(`the GPU device was lost (${info.reason})${text && `: ${text}`}`);
    });
    device.addEventListener("uncapturederror", this.#onUncaptured);
  }

  /** Opens a device on `adapter` with the adapter's buffer limits. Throws GpuError where the adapter refuses. */
  static async open(adapter: GPUAdapter | null): Promise<Gpu> {
    if (!adapter) throw new GpuError("no WebGPU adapter: requestAdapter() gave null");
    const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
    const device = await adapter.requestDevice({
      requiredFeatures: OPTIONAL_FEATURES.filter((f) => adapter.features.has(f)),
      requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
    });
    return new Gpu(device, adapter.info);
  }

  /**
   * A Gpu that computes nothing and takes no memory: its stats() tell what this one would take. With `compiles` it compiles the
   * pipelines that it is asked for, which this one then has already. Another `profile` makes it the dry run of another device.
   */
  dryRun(compiles: boolean, profile?: DeviceProfile): Gpu {
    const device = inertDevice(this.device);
    const pipelines = compiles ? this.pipelines : new Pipelines(device);
    return profile
      ? new Gpu(device, this.adapterInfo, pipelines, profile)
      : new Gpu(device, this.adapterInfo, pipelines, this.profile, this.original);
  }

  /** Whether the adapter computes on the CPU. */
  get isSoftware(): boolean {
    return this.profile.isSoftware;
  }

  /** One line that names the adapter, as reports carry it. */
  get adapterName(): string {
    const { vendor, architecture, device, description } = this.adapterInfo;
    const name = device || [vendor, architecture].filter(Boolean).join(" ") || "unnamed adapter";
    const notes = [description, this.isSoftware ? "software" : ""].filter(Boolean);
    return notes.length > 0 ? `${name} (${notes.join(", ")})` : name;
  }

  /** Live resources; after everything is disposed it is back where it was. */
  stats(): GpuStats {
    return { buffers: this.#buffers.size, bytes: this.#bytes, pipelines: this.pipelines.size };
  }

  /** The most bytes that were in use at one time. */
  get peakBytes(): number {
    return this.#peakBytes;
  }

  /** Whether the device is lost. Calls on a lost device may fail shortly before it says that it is lost, so this waits a moment. */
  async isLost(): Promise<boolean> {
    const soon = new Promise((resolve) => setTimeout(resolve, LOSS_MS));
    await Promise.race([this.device.lost, soon]);
    return this.#failure instanceof DeviceLostError;
  }

  /** Throws what has gone wrong so far: a lost device or an uncaptured error. */
  check(): void {
    if (this.#failure) throw this.#failure;
  }

  /** A zeroed storage buffer, padded to whole vec4s. Throws BindingLimitError above the device's limit. */
  alloc(bytes: number, label: string): Slice {
    const limit = this.device.limits.maxStorageBufferBindingSize;
    const padded = Math.max(16, padTo(bytes, 16));
    if (padded > limit) throw new BindingLimitError(label, padded, limit);
    return this.create(padded, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST, label);
  }

  allocUniform(bytes: number, label: string): Slice {
    return this.create(Math.max(16, bytes), GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST, label);
  }

  /**
   * Whether this much memory is available in addition to what is in use: allocates it and frees it at once. Software adapters promise
   * more than they have.
   */
  async canHold(bytes: number): Promise<boolean> {
    const { device } = this;
    const most = Math.floor(device.limits.maxBufferSize / 16) * 16;
    const buffers: GPUBuffer[] = [];
    device.pushErrorScope("out-of-memory");
    for (let left = bytes; left > 0; left -= most) {
      const size = padTo(Math.min(left, most), 16);
      buffers.push(device.createBuffer({ size, usage: GPUBufferUsage.STORAGE, label: "whether it fits" }));
    }
    const error = await device.popErrorScope();
    for (const buffer of buffers) buffer.destroy();
    this.check();
    return error === null;
  }

  /** A whole buffer of any usage: every buffer that lasts is made and counted here. */
  create(bytes: number, usage: GPUBufferUsageFlags, label: string): Slice {
    this.check();
    const buffer = this.device.createBuffer({ size: bytes, usage, label });
    this.#buffers.set(buffer, bytes);
    this.#bytes += bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#bytes);
    return { buffer, offset: 0, bytes };
  }

  /** Destroys the slice's whole buffer. */
  free({ buffer }: Slice): void {
    this.#bytes -= this.#buffers.get(buffer) ?? 0;
    if (this.#buffers.delete(buffer)) buffer.destroy();
  }

  upload(data: ArrayBufferView, label: string): Slice {
    const slice = this.alloc(data.byteLength, label);
    this.write(slice, data);
    return slice;
  }

  write(slice: Slice, data: ArrayBufferView): void {
    if (data.byteLength > slice.bytes) throw new GpuError(`${data.byteLength} bytes do not fit a slice of ${slice.bytes}`);
    this.device.queue.writeBuffer(slice.buffer, slice.offset, data.buffer, data.byteOffset, data.byteLength);
  }

  /** Reads slices back in one round trip, after everything submitted so far. */
  async read(slices: readonly Slice[]): Promise<Float32Array[]> {
    const readback = new Readback(this, slices, 1);
    try {
      return await readback.read();
    } finally {
      readback.dispose();
    }
  }

  /** Resolves when everything submitted so far is done; throws what has gone wrong. */
  async finished(): Promise<void> {
    await promptly(this.device, this.device.queue.onSubmittedWorkDone());
    this.check();
  }

  /** Resolves when the device computes and compiles nothing, whatever has gone wrong: only then can a process in Node exit without a crash. */
  async idle(): Promise<void> {
    await this.pipelines.settled();
    await this.device.queue.onSubmittedWorkDone().catch(() => {});
  }

  /** Ends the device and everything on it. Whatever still uses it throws GpuError. */
  dispose(): void {
    this.#disposed = true;
    this.#failure ??= new GpuError("the GPU was closed while it was in use");
    for (const buffer of this.#buffers.keys()) buffer.destroy();
    this.#buffers.clear();
    this.#bytes = 0;
    this.device.removeEventListener("uncapturederror", this.#onUncaptured);
    this.device.destroy();
  }
}

/** Reads the same slices any number of times, through a ring of staging buffers: at most `depth` reads at a time. */
export class Readback {
  readonly #ring: Slice[];
  #next = 0;

  constructor(
    private readonly gpu: Gpu,
    private readonly slices: readonly Slice[],
    depth: number,
  ) {
    const size = Math.max(
      4,
      slices.reduce((sum, s) => sum + s.bytes, 0),
    );
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    this.#ring = Array.from({ length: depth }, () => gpu.create(size, usage, "read"));
  }

  /** The values as they are after everything submitted so far. */
  async read(): Promise<Float32Array[]> {
    const { gpu, slices } = this;
    gpu.check();
    const staging = this.#ring[this.#next++ % this.#ring.length]!.buffer;
    const encoder = gpu.device.createCommandEncoder();
    let at = 0;
    for (const s of slices) {
      encoder.copyBufferToBuffer(s.buffer, s.offset, staging, at, s.bytes);
      at += s.bytes;
    }
    gpu.device.queue.submit([encoder.finish()]);
    try {
      await promptly(gpu.device, staging.mapAsync(GPUMapMode.READ));
      // A lost device maps zeros or rejects: such values must not be returned.
      gpu.check();
      const all = staging.getMappedRange().slice(0);
      staging.unmap();
      let from = 0;
      return slices.map((s) => {
        const values = new Float32Array(all, from, s.bytes / 4);
        from += s.bytes;
        return values;
      });
    } catch (error) {
      gpu.check();
      throw error;
    }
  }

  dispose(): void {
    for (const staging of this.#ring) this.gpu.free(staging);
  }
}

/** A device whose methods do nothing; its buffers differ from each other, and reading them returns zeros. */
function inertDevice({ limits, features }: GPUDevice): GPUDevice {
  const nothing: object = new Proxy(() => nothing, { get: (_, key) => (key === "then" ? undefined : nothing) });
  const own: Record<string | symbol, unknown> = {
    limits,
    features,
    lost: new Promise(() => {}),
    createBuffer: ({ size }: GPUBufferDescriptor) => ({
      size,
      destroy() {},
      mapAsync: async () => {},
      getMappedRange: () => new ArrayBuffer(size),
      unmap() {},
    }),
  };
  return new Proxy({} as GPUDevice, { get: (_, key) => own[key] ?? nothing });
}

const oneLine = (text: string): string => text.split("\n")[0]!.trim();
