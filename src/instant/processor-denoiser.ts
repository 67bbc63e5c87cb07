// The denoiser on the processor: for computers without a GPU, where it is many times as fast as WebGPU's software adapters (ADR 15).

import type { Planes } from "../image/planes.ts";
import type { PatchDenoiser, PatchSource } from "./denoiser.ts";
import { meanPicture } from "./mean-patch.ts";
import { PatchFold } from "./patch-window.ts";
import { placeOf, type ShareRunner, type ShareSoftmax, type Softmax } from "./shares.ts";

/** A fixed number, so that results don't depend on how many threads there are. */
const SHARES = 8;
/** Sums in float32 of up to 41 times 21 terms, in the order of wasm/patches.ts, differ from exact ones by less than this share. */
const ROUNDING = 2 ** -17;

export class ProcessorDenoiser implements PatchDenoiser {
  private constructor(
    private readonly source: PatchSource,
    private readonly runners: readonly ShareRunner[],
    private readonly fold: PatchFold,
  ) {}
  /** Of the last step: between two steps the best patches seldom change much. */
  #places: Int32Array | null = null;

  /** The runners work for this denoiser until another one is opened with them. */
  static async open(source: PatchSource, runners: readonly ShareRunner[]): Promise<ProcessorDenoiser> {
    const { photos, patch, wraps, size } = source;
    const fold = new PatchFold(size, patch, wraps);
    await Promise.all(runners.map((runner) => runner.open({ photos, patch, size: fold.extended })));
    return new ProcessorDenoiser(source, runners, fold);
  }

  async denoise(noisy: Planes, alpha: number, sigma: number): Promise<Planes> {
    if (alpha === 0) return meanPicture(this.source);
    const x = this.fold.extend(noisy).data;
    const pass = { alpha: Math.fround(alpha), scale: 1 / (2 * sigma ** 2), of: SHARES };
    const places = this.#places;
    const known = places && { places, best: this.#distances(x, places, alpha, sigma) };
    const found = await this.#all((runner, share) => runner.softmax(x, { ...pass, share }, known));
    const softmax = merged(found, pass.scale);
    this.#places = bestPlaces(found, softmax);
    const reciprocals = { best: softmax.best, total: softmax.total.map((sum) => 1 / sum) };
    const parts = await this.#all((runner, share) => runner.fold(x, reciprocals, { ...pass, share }));
    const sums = new Float64Array(parts[0]!.length);
    for (const part of parts) for (let i = 0; i < sums.length; i++) sums[i] = sums[i]! + part[i]!;
    return this.fold.picture(sums);
  }

  /** The distances of the sample's patches to these ones, and a little more: float32 finds these pairs to be nearer. */
  #distances(x: Float32Array, places: Int32Array, alpha: number, sigma: number): Float32Array {
    const { photos, patch } = this.source;
    const { width, height } = this.fold.extended;
    const columns = width - patch + 1;
    return Float32Array.from(places, (place, p) => {
      const { photo, sx, sy } = placeOf(place);
      const { width: across, height: down, data } = photos[photo]!;
      const [left, top] = [p % columns, Math.floor(p / columns)];
      let sum = 0;
      for (let c = 0; c < 3; c++)
        for (let v = 0; v < patch; v++) {
          const at = (c * height + top + v) * width + left;
          const photoAt = (c * down + top + sy + v) * across + left + sx;
          for (let u = 0; u < patch; u++) sum += (x[at + u]! - alpha * data[photoAt + u]!) ** 2;
        }
      return sum * (1 + ROUNDING) - 3 * sigma ** 2 * patch ** 2;
    });
  }

  dispose(): void {}

  /** The results of all shares, in their order. A share always has the same runner. */
  async #all<T>(run: (runner: ShareRunner, share: number) => Promise<T>): Promise<T[]> {
    const results: T[] = [];
    const { runners } = this;
    await Promise.all(
      runners.map(async (runner, first) => {
        for (let share = first; share < SHARES; share += runners.length) results[share] = await run(runner, share);
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

/** Where the best patches of all shares are. */
const bestPlaces = (shares: readonly ShareSoftmax[], { best }: Softmax): Int32Array =>
  shares[0]!.places.map((_, i) => shares.find((share) => share.best[i] === best[i])!.places[i]!);
