// The denoiser's two passes on a processor, for one share of the shifts (wasm/patches.ts). A share has one thread.

import { patchesWasm } from "../generated/patches-wasm.ts";
import type { Planes, Size } from "../image/planes.ts";
import { windowOf } from "./patch-window.ts";

/** What all shares have in common: the sample's size on the plane where patches need not wrap, and the photos. */
export interface ShareSource {
  readonly photos: readonly Planes[];
  readonly patch: number;
  readonly size: Size;
}

/** Of each patch of the sample: its smallest distance to a patch of the share, and Σ exp(scale·(smallest − distance)). */
export interface Softmax {
  readonly best: Float32Array;
  readonly total: Float32Array;
}
/** For each patch of the sample, a distance to a patch of the photos, and where that is (see placeOf()). */
export interface Nearest {
  readonly best: Float32Array;
  readonly places: Int32Array;
}
export interface ShareSoftmax extends Softmax, Nearest {}

/** Sides of pictures, and photos, that a place has bits for. */
const MOST = { side: 4095, photos: 63 };

/** A place: which photo, and the shift from the sample's patch to the photo's. */
export const placeOf = (place: number): { photo: number; sx: number; sy: number } => ({
  ...{ photo: place >>> 26, sx: (place & 8191) - 4096, sy: ((place >>> 13) & 8191) - 4096 },
});

/** Which shifts: every `of`-th row of them from `share` on. And the noise: x = α·picture + σ·noise, scale = 1/(2σ²). */
export interface SharePass {
  readonly alpha: number;
  readonly scale: number;
  readonly share: number;
  readonly of: number;
}

/** What runs shares: this thread, or another one. It works for one source at a time. */
export interface ShareRunner {
  open(source: ShareSource): Promise<void>;
  /** `known` are some patches' distances, and their places: the smaller they are, the less there is to do. */
  softmax(x: Float32Array, pass: SharePass, known: Nearest | null): Promise<ShareSoftmax>;
  /**
   * Σ g·w·y over the share's pairs, [3, height, width]. `total` holds the reciprocals of all shares' totals. The runner must be the one that
   * has done the share's softmax.
   */
  fold(x: Float32Array, softmax: Softmax, pass: SharePass): Promise<Float32Array>;
}

/** The exports of wasm/patches.ts; numbers named `…At` are addresses. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  reset(): void;
  allocate(values: number): number;
  allocatePicture(): number;
  planeBytes(): number;
  mostPixels(): number;
  setSample(patch: number, windowAt: number, width: number, height: number, xAt: number): void;
  setPatches(bestAt: number, totalAt: number, placesAt: number, sumsAt: number): void;
  setPhoto(width: number, height: number, at: number, scaledAt: number): void;
  setLevel(alpha: number, scale: number, expected: number): void;
  shiftsOf(shares: number): number;
  softmax(share: number, shares: number, photo: number, rangesAt: number): void;
  fold(share: number, shares: number, rangesAt: number): void;
}

/** A distance that is larger than all others. */
const NONE = 1e30;

interface Opened {
  readonly exports: Exports;
  readonly photos: readonly (Size & { readonly at: number })[];
  readonly size: Size;
  readonly xAt: number;
  /** α times the photo at hand. */
  readonly scaledAt: number;
  readonly bestAt: number;
  readonly totalAt: number;
  readonly placesAt: number;
  /** By share and photo: which rows of each shift have weights. */
  readonly rangesAt: Map<string, number>;
  readonly sumsAt: number;
  readonly patches: number;
}

/** Runs shares on the thread that calls it. */
export class LocalShares implements ShareRunner {
  #exports: Promise<Exports> | null = null;
  #opened: Opened | null = null;

  async open({ photos, patch, size }: ShareSource): Promise<void> {
    this.#exports ??= compiled();
    const exports = await this.#exports;
    exports.reset();
    const most = exports.mostPixels();
    if (photos.length > MOST.photos)
      throw new RangeError(`${photos.length} photos are too many: at most ${MOST.photos} can be used`);
    for (const { width, height } of [size, ...photos])
      if (width * height > most || Math.max(width, height) > MOST.side)
        throw new RangeError(
          `${width}x${height} is too large: at most ${most} pixels, and ${MOST.side} on a side, can be denoised`,
        );
    const patches = (size.width - patch + 1) * (size.height - patch + 1);
    const windowAt = exports.allocate(patch);
    const [bestAt, totalAt, placesAt] = [exports.allocate(patches), exports.allocate(patches), exports.allocate(patches)];
    const [xAt, sumsAt, scaledAt] = [exports.allocatePicture(), exports.allocatePicture(), exports.allocatePicture()];
    const placed = photos.map(({ width, height }) => ({ width, height, at: exports.allocatePicture() }));
    exports.setSample(patch, windowAt, size.width, size.height, xAt);
    exports.setPatches(bestAt, totalAt, placesAt, sumsAt);
    this.#opened = {
      ...{ exports, photos: placed, size, patches, rangesAt: new Map() },
      ...{ xAt, scaledAt, bestAt, totalAt, placesAt, sumsAt },
    };
    for (const [i, { data }] of photos.entries()) this.#writePicture(placed[i]!.at, data);
    this.#view(windowAt, patch).set(windowOf(patch));
  }

  async softmax(x: Float32Array, pass: SharePass, known: Nearest | null): Promise<ShareSoftmax> {
    const { exports, xAt, bestAt, totalAt, placesAt, patches } = this.#source;
    this.#writePicture(xAt, x);
    if (known) {
      this.#view(bestAt, patches).set(known.best);
      new Int32Array(exports.memory.buffer, placesAt, patches).set(known.places);
    } else this.#view(bestAt, patches).fill(NONE);
    this.#view(totalAt, patches).fill(0);
    const { share, of } = pass;
    this.#overPhotos(pass, (photo, rangesAt) => exports.softmax(share, of, photo, rangesAt));
    const places = new Int32Array(exports.memory.buffer, placesAt, patches).slice();
    return { best: this.#view(bestAt, patches).slice(), total: this.#view(totalAt, patches).slice(), places };
  }

  async fold(x: Float32Array, { best, total }: Softmax, pass: SharePass): Promise<Float32Array> {
    const { exports, size, xAt, bestAt, totalAt, sumsAt, patches } = this.#source;
    this.#writePicture(xAt, x);
    this.#view(bestAt, patches).set(best);
    this.#view(totalAt, patches).set(total);
    const area = size.width * size.height;
    const sums = new Float32Array(3 * area);
    this.#writePicture(sumsAt, sums);
    const { share, of } = pass;
    this.#overPhotos(pass, (_, rangesAt) => exports.fold(share, of, rangesAt));
    for (let c = 0; c < 3; c++) sums.set(this.#view(sumsAt + c * exports.planeBytes(), area), c * area);
    return sums;
  }

  get #source(): Opened {
    if (!this.#opened) throw new Error("the shares of a denoiser are used before they are opened");
    return this.#opened;
  }

  /** Memory moves when it grows, so a view is for at once. */
  #view(at: number, values: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#source.exports.memory.buffer as ArrayBuffer, at, values);
  }

  /** Writes the planes of a picture. */
  #writePicture(at: number, data: Float32Array): void {
    const area = data.length / 3;
    const plane = this.#source.exports.planeBytes();
    for (let c = 0; c < 3; c++) this.#view(at + c * plane, area).set(data.subarray(c * area, (c + 1) * area));
  }

  #overPhotos({ alpha, scale, share, of }: SharePass, run: (photo: number, rangesAt: number) => void): void {
    const { exports, photos, scaledAt, rangesAt } = this.#source;
    exports.setLevel(alpha, scale * Math.LOG2E, 1.5 / scale);
    for (const [i, { width, height, at }] of photos.entries()) {
      exports.setPhoto(width, height, at, scaledAt);
      const key = `${share} ${i}`;
      if (!rangesAt.has(key)) rangesAt.set(key, exports.allocate(2 * exports.shiftsOf(of)));
      run(i, rangesAt.get(key)!);
    }
  }
}

async function compiled(): Promise<Exports> {
  const bytes = Uint8Array.from(atob(patchesWasm), (character) => character.charCodeAt(0));
  const { instance } = await WebAssembly.instantiate(bytes, {});
  return instance.exports as unknown as Exports;
}
