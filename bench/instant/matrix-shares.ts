// The denoiser as products of matrices (wasm/matrix.ts), in the place of sums over shifts: for one photo, on samples that don't wrap.

import { matrixWasm } from "../../src/generated/matrix-wasm.ts";
import { windowOf } from "../../src/instant/patch-window.ts";
import type { Nearest, SharePass, ShareRunner, ShareSoftmax, ShareSource, Softmax } from "../../src/instant/shares.ts";

/** The exports of wasm/matrix.ts; numbers named `…At` are addresses. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  reset(): void;
  allocate(values: number): number;
  setSample(patch: number, windowAt: number, width: number, height: number, xAt: number, sumsAt: number): void;
  setPhoto(width: number, height: number, at: number): void;
  denoise(share: number, shares: number, alpha: number, scale: number): void;
}

const NOTHING: ShareSoftmax = { best: new Float32Array(), total: new Float32Array(), places: new Int32Array() };

export class MatrixShares implements ShareRunner {
  #exports: Exports | null = null;
  #xAt = 0;
  #sumsAt = 0;

  async open({ photos: [photo], patch, size }: ShareSource): Promise<void> {
    const bytes = Uint8Array.from(atob(matrixWasm), (character) => character.charCodeAt(0));
    this.#exports ??= (await WebAssembly.instantiate(bytes, {})).instance.exports as unknown as Exports;
    const exports = this.#exports;
    const { width, height, data } = photo!;
    exports.reset();
    const [windowAt, photoAt] = [exports.allocate(patch), exports.allocate(data.length)];
    this.#xAt = exports.allocate(3 * size.width * size.height);
    this.#sumsAt = exports.allocate(3 * size.width * size.height);
    this.#view(windowAt, patch).set(windowOf(patch));
    this.#view(photoAt, data.length).set(data);
    exports.setSample(patch, windowAt, size.width, size.height, this.#xAt, this.#sumsAt);
    exports.setPhoto(width, height, photoAt);
  }

  /** Part of fold(): a block's weights are used where they are made. */
  async softmax(_x: Float32Array, _pass: SharePass, _known: Nearest | null): Promise<ShareSoftmax> {
    return NOTHING;
  }

  async fold(x: Float32Array, _softmax: Softmax, { alpha, scale, share, of }: SharePass): Promise<Float32Array> {
    this.#view(this.#xAt, x.length).set(x);
    this.#view(this.#sumsAt, x.length).fill(0);
    this.#exports!.denoise(share, of, alpha, scale * Math.LOG2E);
    return this.#view(this.#sumsAt, x.length).slice();
  }

  /** Memory moves when it grows, so a view is for at once. */
  #view(at: number, values: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#exports!.memory.buffer as ArrayBuffer, at, values);
  }
}
