// The denoiser on the processor: for computers without a GPU, where it is many times as fast as WebGPU's software adapters (ADR 15).

import type { Planes } from "../image/planes.ts";
import type { PatchDenoiser, PatchSource } from "./denoiser.ts";
import { meanPicture } from "./mean-patch.ts";
import { extended, PatchFold } from "./patch-window.ts";
import type { ShareRunner, Softmax } from "./shares.ts";

/** A fixed number, so that results don't depend on how many threads there are. */
const SHARES = 8;

export class ProcessorDenoiser implements PatchDenoiser {
  private constructor(
    private readonly source: PatchSource,
    private readonly runners: readonly ShareRunner[],
    private readonly fold: PatchFold,
  ) {}

  /** The runners work for this denoiser until another one is opened with them. */
  static async open(source: PatchSource, runners: readonly ShareRunner[]): Promise<ProcessorDenoiser> {
    const { photos, patch, wraps, size } = source;
    const fold = new PatchFold(size, patch, wraps);
    await Promise.all(runners.map((runner) => runner.open({ photos, patch, size: fold.extended })));
    return new ProcessorDenoiser(source, runners, fold);
  }

  async denoise(noisy: Planes, alpha: number, sigma: number): Promise<Planes> {
    if (alpha === 0) return meanPicture(this.source);
    const x = extended(noisy, this.fold.extended).data;
    const pass = { alpha: Math.fround(alpha), scale: 1 / (2 * sigma ** 2), of: SHARES };
    const found = await this.#all((runner, share) => runner.softmax(x, { ...pass, share }));
    const softmax = reciprocal(merged(found, pass.scale));
    const parts = await this.#all((runner, share) => runner.fold(x, softmax, { ...pass, share }));
    const sums = new Float64Array(parts[0]!.length);
    for (const part of parts) for (const [i, value] of part.entries()) sums[i] = sums[i]! + value;
    return this.fold.picture(sums);
  }

  dispose(): void {}

  /** The results of all shares, in their order. A runner takes the next share when it is done with one. */
  async #all<T>(run: (runner: ShareRunner, share: number) => Promise<T>): Promise<T[]> {
    const results: T[] = [];
    let next = 0;
    await Promise.all(
      this.runners.map(async (runner) => {
        while (next < SHARES) {
          const share = next++;
          results[share] = await run(runner, share);
        }
      }),
    );
    return results;
  }
}

/** The softmax over all shares, added in their order. */
function merged(shares: readonly Softmax[], scale: number): Softmax {
  const best = shares[0]!.best.map((first, i) => shares.reduce((least, share) => Math.min(least, share.best[i]!), first));
  const total = best.map((least, i) =>
    shares.reduce((sum, share) => sum + share.total[i]! * Math.exp(scale * (least - share.best[i]!)), 0),
  );
  return { best, total };
}

const reciprocal = ({ best, total }: Softmax): Softmax => ({ best, total: total.map((sum) => 1 / sum) });
