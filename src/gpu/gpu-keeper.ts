// Keeps a program's one GPU open: a lost device is replaced by another one, and the work on it is done again.

import { DeviceLostError, type Gpu, GpuError } from "./device.ts";

/** Waits before each request of a new device, ms: a driver that restarts takes a moment. */
const WAITS_MS = [100, 500, 2000, 5000];
/** So many losses in a row without progress are not the driver's hiccup, but the work's fault. */
export const MOST_LOSSES = 3;

/** No device could be opened after one was lost. */
export class NoDeviceError extends GpuError {
  override readonly name = "NoDeviceError";
}

export interface KeeperEvents {
  /** A device was lost, and another one is asked for. */
  onLost?(error: DeviceLostError): void;
  /** Another device is open. */
  onReopened?(gpu: Gpu): void;
}

export class GpuKeeper {
  #gpu: Promise<Gpu> | null = null;
  #current: Gpu | null = null;
  #reopening: Promise<Gpu> | null = null;
  readonly #replaced = new WeakSet<DeviceLostError>();
  #isDisposed = false;

  /** `open` opens a device, ready for use, and throws where there is none. */
  constructor(
    private readonly open: () => Promise<Gpu>,
    private readonly events: KeeperEvents = {},
  ) {}

  /** The open device; opens one where none is. Throws what `open` throws. */
  get(): Promise<Gpu> {
    this.#gpu ??= this.#open();
    return this.#gpu;
  }

  async #open(): Promise<Gpu> {
    try {
      const gpu = await this.open();
      if (this.#isDisposed) {
        gpu.dispose();
        throw new GpuError("the GPU was closed while it was opened");
      }
      this.#current = gpu;
      return gpu;
    } catch (error) {
      this.#gpu = null;
      throw error;
    }
  }

  /** The loss that an error of work on `gpu` comes from; null where `gpu` is not lost. */
  async lossBehind(error: unknown, gpu = this.#current): Promise<DeviceLostError | null> {
    if (error instanceof DeviceLostError) return error;
    if (!gpu || this.#isDisposed || !(await gpu.isLost())) return null;
    try {
      gpu.check();
      return null;
    } catch (loss) {
      return loss as DeviceLostError;
    }
  }

  /** Replaces the lost device, once for all whose work was on it. Throws NoDeviceError where none can be opened after some seconds. */
  async reopen(loss: DeviceLostError): Promise<Gpu> {
    if (this.#replaced.has(loss)) return this.get();
    this.#reopening ??= this.#replace(loss).finally(() => {
      this.#reopening = null;
    });
    return this.#reopening;
  }

  async #replace(loss: DeviceLostError): Promise<Gpu> {
    this.close();
    this.events.onLost?.(loss);
    for (const ms of WAITS_MS) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      if (this.#isDisposed) throw loss;
      const gpu = await this.get().catch(() => null);
      if (!gpu) continue;
      this.#replaced.add(loss);
      this.events.onReopened?.(gpu);
      return gpu;
    }
    throw new NoDeviceError(`${loss.message}; no GPU answers any more`);
  }

  /** Does work on the device, and again on another one where it is lost, at most three times. */
  async run<T>(work: (gpu: Gpu) => Promise<T>): Promise<T> {
    for (let losses = 1; ; losses++) {
      const gpu = await this.get();
      try {
        return await work(gpu);
      } catch (error) {
        const loss = await this.lossBehind(error, gpu);
        if (!loss || losses === MOST_LOSSES) throw loss ?? error;
        await this.reopen(loss);
      }
    }
  }

  /** Resolves when the open device, if any, computes and compiles nothing. */
  async idle(): Promise<void> {
    await this.#current?.idle();
  }

  /** Closes the device; get() opens another one. */
  close(): void {
    this.#gpu = null;
    this.#current?.dispose();
    this.#current = null;
  }

  /** Closes the device for good, also one that is being opened. */
  dispose(): void {
    this.#isDisposed = true;
    this.close();
  }
}
