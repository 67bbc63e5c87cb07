// What long use of one process takes: memory that grows, buffers that stay alive, trainings that become slower.

import { loadavg } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { GpuKeeper } from "../../src/gpu/gpu-keeper.ts";
import { openAdapter } from "../../src/node/adapter.ts";
import { openDevice } from "../../src/runtime/open.ts";
import { trainToEnd } from "../../src/singan/recipes.ts";
import { attempt, type Row, require } from "./row.ts";
import { TINY, tinyPhoto } from "./tiny.ts";

const MINUTE_MS = 60_000;
const MB = 2 ** 20;

/** Memory of this process in MB, without what the garbage collector has not yet freed: Dawn frees some of it a moment later. */
async function residentMb(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
  await new Promise((resolve) => setTimeout(resolve, 50));
  collect();
  return process.memoryUsage.rss() / MB;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Growth per unit of x: the median of the slopes between all pairs of points, which single outliers don't change (Theil-Sen). */
export function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const slopes = points.flatMap(([x1, y1], i) => points.slice(i + 1).map(([x2, y2]) => (y2 - y1) / (x2 - x1)));
  return median(slopes);
}

interface Sample {
  readonly minutes: number;
  readonly mb: number;
  readonly buffers: number;
  /** Of one iteration since the last sample. */
  readonly iterationMs: number;
}

const SAMPLES = 60;
/** Before the samples are taken, the training runs for this share of their time: caches fill, and code is optimised. */
const WARM_UP = 0.4;
/** Growth of memory per 10 minutes, and in a shorter soak as a whole. */
const LIMIT_MB = 1;
const LIMIT_DRIFT = 0.05;
/** Shorter soaks have too few iterations in a sample to compare speeds. */
const SPEED_MINUTES = 5;

async function soaked(minutes: number): Promise<Sample[]> {
  const keeper = new GpuKeeper(async () => openDevice(await openAdapter()));
  try {
    const gpu = await keeper.get();
    const warm = performance.now() + WARM_UP * minutes * MINUTE_MS;
    const samples: Sample[] = [];
    while (samples.length < SAMPLES) {
      let last: { readonly at: number; readonly iteration: number } | null = null;
      for await (const event of trainToEnd(keeper, tinyPhoto(), { ...TINY, iterations: 100_000 })) {
        if (event.kind === "scaleDone") break; // a long soak trains the coarsest scale again and again
        if (event.kind !== "progress") continue;
        const now = performance.now();
        if (!last || now < warm) last = { at: now, iteration: event.iteration };
        if (now - warm < ((samples.length + 1) * minutes * MINUTE_MS) / SAMPLES || event.iteration === last.iteration) continue;
        const iterationMs = (now - last.at) / (event.iteration - last.iteration);
        const mb = await residentMb();
        samples.push({ minutes: (now - warm) / MINUTE_MS, mb, buffers: gpu.stats().buffers, iterationMs });
        if (samples.length === SAMPLES) break;
        last = { at: performance.now(), iteration: event.iteration };
      }
    }
    require(gpu.stats().buffers === 0, `${gpu.stats().buffers} buffers are left at the end`);
    return samples;
  } finally {
    keeper.dispose();
  }
}

export const soak: Row = {
  name: "minutes of one training: memory, buffers and speed",
  count: 10,
  async run(minutes) {
    const samples = await soaked(minutes);
    const growth = slopeOf(samples.map(({ minutes: at, mb }) => [at, mb])) * Math.min(minutes, 10);
    const third = Math.floor(samples.length / 3);
    const speed = (part: readonly Sample[]) => median(part.map(({ iterationMs }) => iterationMs));
    const drift = speed(samples.slice(-third)) / speed(samples.slice(0, third)) - 1;
    const load = `load ${loadavg()[0]!.toFixed(1)}: other work on this machine disturbs it`;
    return [
      ...(await attempt("buffers", () => {
        // A state that is being read takes one more for a moment.
        const least = (part: readonly Sample[]) => Math.min(...part.map(({ buffers }) => buffers));
        const [early, late] = [least(samples.slice(0, third)), least(samples.slice(-third))];
        require(early === late, `${early} at first, ${late} at last`);
      })),
      ...(await attempt("memory", () =>
        require(growth <
          LIMIT_MB, `grew by ${growth.toFixed(2)} MB in ${Math.min(minutes, 10)} minutes: ${samples.map(({ mb }) => mb.toFixed(1)).join(" ")}`),
      )),
      ...(await attempt("speed", () =>
        require(minutes < SPEED_MINUTES ||
          Math.abs(drift) <
            LIMIT_DRIFT, `an iteration takes ${(100 * drift).toFixed(1)} % longer in the last third than in the first (${load})`),
      )),
    ];
  },
};

const MOST_GROWTH_MB = 20;

export const manyModels: Row = {
  name: "models trained and disposed in one process",
  count: 100,
  async run(count) {
    const failures: string[] = [];
    const warmUp = Math.min(10, Math.ceil(count / 2));
    const mb: number[] = [];
    for (let i = 0; i < count; i++) {
      const one = await attempt(`model ${i}`, async () => {
        const keeper = new GpuKeeper(async () => openDevice(await openAdapter()));
        try {
          const gpu = await keeper.get();
          const training = trainToEnd(keeper, tinyPhoto(), { ...TINY, iterations: 2 });
          for (let step = await training.next(); !step.done; step = await training.next());
          const { buffers, bytes } = gpu.stats();
          require(buffers === 0 && bytes === 0, `${buffers} buffers of ${bytes} bytes are left`);
        } finally {
          keeper.dispose();
        }
      });
      failures.push(...one);
      mb.push(await residentMb()); // after each model: garbage is no leak, but its peaks would hide one
    }
    const growth = mb.at(-1)! - mb[warmUp - 1]!;
    return [
      ...failures,
      ...(await attempt("memory", () =>
        require(growth <
          MOST_GROWTH_MB, `grew by ${growth.toFixed(1)} MB after the first ${warmUp} models: ${mb.map((value) => value.toFixed(0)).join(" ")}`),
      )),
    ];
  },
};
