// Opens the worker's GPU, keeps it open over losses, and says why there is none.

import { type Gpu, GpuError } from "../gpu/device.ts";
import { GpuKeeper, type KeeperEvents, NoDeviceError } from "../gpu/gpu-keeper.ts";
import { openDevice } from "../runtime/open.ts";
import type { NoGpuCause } from "./protocol.ts";
import type { GpuDetails } from "./report.ts";

class NoGpuError extends GpuError {
  override readonly name = "NoGpuError";

  constructor(readonly problem: "insecure" | "missing" | "refused") {
    super(problem);
  }
}

export class PageGpu extends GpuKeeper {
  #losses = 0;

  constructor(onOpened: (gpu: Gpu) => void, events: Required<KeeperEvents>) {
    const open = async () => {
      const gpu = await openGpu();
      onOpened(gpu);
      return gpu;
    };
    super(open, {
      ...events,
      onLost: (error) => {
        this.#losses++;
        events.onLost(error);
      },
    });
  }

  /**
   * Why there is no GPU, where `error` says that there is none; else null. Chrome refuses a page after its second loss until it is reloaded,
   * and every page after the third until it is restarted. So where a page is refused after its first loss, or after a loss before it was
   * loaded (an unfinished training `isKept`), reloading does not help.
   */
  causeOf(error: unknown, isKept: boolean): NoGpuCause | null {
    if (error instanceof NoGpuError && error.problem !== "refused") return error.problem;
    if (!(error instanceof NoGpuError || error instanceof NoDeviceError)) return null;
    if (this.#losses > 1) return "lostUntilReload";
    return this.#losses === 1 || isKept ? "lostUntilRestart" : "refused";
  }
}

/** For the report of a problem. */
export function detailsOf({ adapterInfo, device }: Gpu): GpuDetails {
  const { vendor, architecture, device: name, description } = adapterInfo;
  const info = Object.entries({ vendor, architecture, device: name, description }).filter(([, text]) => text);
  const limits: Record<string, number> = {};
  for (const limit in device.limits) limits[limit] = device.limits[limit as keyof GPUSupportedLimits] as number; // getters of its class
  return { info: Object.fromEntries(info), features: [...device.features].sort(), limits };
}

async function openGpu(): Promise<Gpu> {
  if (!isSecureContext) throw new NoGpuError("insecure");
  if (!navigator.gpu) throw new NoGpuError("missing");
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) throw new NoGpuError("refused");
  return openDevice(adapter);
}
