// Seeded test data in f64: normal, positive and u32 values, and small sizes.
// The generator is mulberry32 (T. Ettinger). Its seed is the FNV-1a hash of the case's name, so every case has other data.

import type { Example } from "../../src/autodiff/tensor.ts";

export class Random {
  #state: number;

  constructor(name: string) {
    this.#state = [...name].reduce((hash, letter) => Math.imul(hash ^ letter.codePointAt(0)!, 0x01000193) >>> 0, 0x811c9dc5);
  }

  /** 32 random bits. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** U(0,1), never 0. */
  unit(): number {
    return (this.bits() + 0.5) / 2 ** 32;
  }

  /** N(0,1), by Box & Muller. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(this.unit())) * Math.cos(2 * Math.PI * this.unit());
  }

  /** In [1/2, 2), far enough from the singularities of √x and 1/x for finite differences. */
  positive(): number {
    return 0.5 + 1.5 * this.unit();
  }

  /** An integer from `least` to `most`, inclusive. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.unit() * (most - least + 1));
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.integer(0, choices.length - 1)]!;
  }

  values(count: number, domain: Example["domain"] | "normal" = "normal"): Float64Array {
    return Float64Array.from({ length: count }, () => this[domain]());
  }
}
