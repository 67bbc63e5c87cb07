// Lets Node's event loop sleep while it waits for the GPU. Dawn polls for finished work on every turn of the event loop, so without this one
// CPU core is busy with polling, which takes half the time of a training on a software adapter with one core (webgpu 0.6.2).

/** The calls during whose promises Dawn polls. */
const AWAITED = { GPUQueue: "onSubmittedWorkDone", GPUBuffer: "mapAsync", GPUDevice: "createComputePipelineAsync" } as const;
/** A sleep is at most this share of the time waited so far, so the end of a wait is noticed late by at most the same share. */
const SLEEP_SHARE = 1 / 20;
const LONGEST_SLEEP_MS = 2;

type Method = (...args: unknown[]) => Promise<unknown>;
type Classes = Record<keyof typeof AWAITED, { readonly prototype: Record<string, Method> }>;

/** Nobody changes or notifies it: waiting for it only sleeps. */
const sleeper = new Int32Array(new SharedArrayBuffer(4));
const throttled = new WeakSet<object>();
let pendingCalls = 0;
let latestStart = 0;
let isSleeping = false;

/** Patches Dawn's classes so that the event loop sleeps between its turns while one of their promises is pending. A second call does nothing. */
export function throttleEventLoop(globals: object): void {
  if (throttled.has(globals)) return;
  throttled.add(globals);
  for (const [name, method] of Object.entries(AWAITED)) {
    const { prototype } = (globals as Classes)[name as keyof Classes];
    const original = prototype[method]!;
    prototype[method] = function (...args) {
      const result = original.apply(this, args);
      latestStart = performance.now();
      pendingCalls++;
      if (!isSleeping) sleep();
      return result.finally(() => pendingCalls--);
    };
  }
}

function sleep(): void {
  isSleeping = pendingCalls > 0;
  if (!isSleeping) return;
  Atomics.wait(sleeper, 0, 0, Math.min(LONGEST_SLEEP_MS, SLEEP_SHARE * (performance.now() - latestStart)));
  setImmediate(sleep);
}
