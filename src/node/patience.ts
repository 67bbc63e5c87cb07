// Dawn in Node looks for finished work on every turn of the event loop, so a core spins for as long as anything is awaited: one that a
// software adapter would compute on (webgpu 0.6.2: half the time of a training on one core). Here the event loop sleeps between looks.

/** The calls whose promises Dawn spins for. */
const AWAITED = { GPUQueue: "onSubmittedWorkDone", GPUBuffer: "mapAsync", GPUDevice: "createComputePipelineAsync" } as const;
/** A nap is at most this share of the time waited so far: as much later may the end be noticed. */
const NAP_SHARE = 1 / 20;
const LONGEST_NAP_MS = 2;

type Method = (...args: unknown[]) => Promise<unknown>;
type Classes = Record<keyof typeof AWAITED, { readonly prototype: Record<string, Method> }>;

const never = new Int32Array(new SharedArrayBuffer(4));
const patient = new WeakSet<object>();
let waiting = 0;
let latestStart = 0;
let isNapping = false;

/** Lets the event loop sleep while promises of Dawn's classes are awaited; a second time it does nothing. */
export function waitPatiently(globals: object): void {
  if (patient.has(globals)) return;
  patient.add(globals);
  for (const [name, method] of Object.entries(AWAITED)) {
    const { prototype } = (globals as Classes)[name as keyof Classes];
    const original = prototype[method]!;
    prototype[method] = function (...args) {
      const result = original.apply(this, args);
      latestStart = performance.now();
      waiting++;
      if (!isNapping) nap();
      return result.finally(() => waiting--);
    };
  }
}

function nap(): void {
  isNapping = waiting > 0;
  if (!isNapping) return;
  Atomics.wait(never, 0, 0, Math.min(LONGEST_NAP_MS, NAP_SHARE * (performance.now() - latestStart)));
  setImmediate(nap);
}
