// NumPy's default_rng(seed), with the same numbers: the parts that the figures use, which are normals and choices without replacement.
// SeedSequence and PCG64 (O'Neill 2014, XSL-RR 128/64), the ziggurat (Marsaglia & Tsang 2000), Lemire 2019, Floyd's sampling;
// numpy/random of NumPy 1.17 to 2.4: bit_generator.pyx, pcg64.h, distributions.c, _generator.pyx.

const MASK_32 = (1n << 32n) - 1n;
const MASK_64 = (1n << 64n) - 1n;
const MASK_128 = (1n << 128n) - 1n;
const PCG_MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** SeedSequence(seed).generate_state(4, uint64): mixes the seed into a pool of four words and derives four words from that. */
function seedWords(seed: number): bigint[] {
  let hash = 0x43b0d7e5;
  const hashed = (value: number): number => {
    const mixed = value ^ hash;
    hash = Math.imul(hash, 0x931e8875);
    const product = Math.imul(mixed, hash);
    return product ^ (product >>> 16);
  };
  const mix = (x: number, y: number): number => {
    const mixed = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
    return mixed ^ (mixed >>> 16);
  };
  const pool = [seed, 0, 0, 0].map(hashed);
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (to !== from) pool[to] = mix(pool[to]!, hashed(pool[from]!));
  }
  let out = 0x8b51f9dd;
  const words = Array.from({ length: 8 }, (_, i) => {
    const mixed = pool[i % 4]! ^ out;
    out = Math.imul(out, 0x58f38ded);
    const product = Math.imul(mixed, out);
    return BigInt((product ^ (product >>> 16)) >>> 0);
  });
  return [0, 2, 4, 6].map((i) => words[i]! | (words[i + 1]! << 32n));
}

/** The start of the ziggurat's tail, and the area of each of its 256 layers. */
const TAIL = 3.6541528853610088;
const LAYER_AREA = 0.0049286732339746571;

/**
 * The ziggurat's layers: widths in units of 2^-52, values of the density, and the mantissa below which a draw is accepted at once.
 * NumPy has these numbers as literals, with rounding errors of their own. The ones computed here differ from them by a few units in the last
 * place. Normal numbers may differ as much, which disappears when the figures round them to float32. One draw in 10^13 is accepted differently.
 */
const ZIGGURAT = (() => {
  const density = (x: number): number => Math.exp(-0.5 * x * x);
  const edge = new Float64Array(256);
  edge[255] = TAIL;
  for (let i = 255; i > 1; i--) edge[i - 1] = Math.sqrt(-2 * Math.log(LAYER_AREA / edge[i]! + density(edge[i]!)));
  edge[0] = LAYER_AREA / density(TAIL);
  const height = edge.map((x, i) => (i === 0 ? 1 : density(x)));
  const sure = edge.map((x, i) => (i === 1 ? 0 : Math.floor(((i === 0 ? TAIL : edge[i - 1]!) / x) * 2 ** 52)));
  return { width: edge.map((x) => x / 2 ** 52), height, sure };
})();

export class NumpyRandom {
  #state = 0n;
  readonly #increment: bigint;
  /** The unused upper half of the last word, if uint32 has returned only its lower half. */
  #half: bigint | null = null;

  /** default_rng(seed), where seed is a whole number below 2^32. */
  constructor(seed: number) {
    const [stateHigh, stateLow, sequenceHigh, sequenceLow] = seedWords(seed) as [bigint, bigint, bigint, bigint];
    this.#increment = ((((sequenceHigh << 64n) | sequenceLow) << 1n) | 1n) & MASK_128;
    this.#step();
    this.#state += (stateHigh << 64n) | stateLow;
    this.#step();
  }

  #step(): void {
    this.#state = (this.#state * PCG_MULTIPLIER + this.#increment) & MASK_128;
  }

  /** 64 random bits. */
  uint64(): bigint {
    this.#step();
    const folded = (this.#state >> 64n) ^ (this.#state & MASK_64);
    const turn = this.#state >> 122n;
    return ((folded >> turn) | (folded << (64n - turn))) & MASK_64;
  }

  /** 32 random bits: the lower half of a word, and then its upper half. */
  uint32(): bigint {
    if (this.#half !== null) {
      const kept = this.#half;
      this.#half = null;
      return kept;
    }
    const word = this.uint64();
    this.#half = word >> 32n;
    return word & MASK_32;
  }

  /** Uniform in [0,1), 53 bits. */
  double(): number {
    return Number(this.uint64() >> 11n) * 2 ** -53;
  }

  /** Uniform over the whole numbers from 0 to last, without bias; last < 2^32 − 1.  Lemire 2019. */
  integerTo(last: number): number {
    if (last === 0) return 0;
    const count = BigInt(last + 1);
    let product = this.uint32() * count;
    if ((product & MASK_32) < count) {
      const threshold = (MASK_32 - BigInt(last)) % count;
      while ((product & MASK_32) < threshold) product = this.uint32() * count;
    }
    return Number(product >> 32n);
  }

  /** One standard normal number. */
  normal(): number {
    for (;;) {
      const word = this.uint64();
      const layer = Number(word & 0xffn);
      const mantissa = Number((word >> 9n) & 0xfffffffffffffn);
      const x = mantissa * ZIGGURAT.width[layer]! * (word & 0x100n ? -1 : 1);
      if (mantissa < ZIGGURAT.sure[layer]!) return x;
      if (layer === 0) {
        // The tail's sign is a bit of the mantissa, as in NumPy.
        const isNegative = (word >> 17n) & 1n;
        for (;;) {
          const beyond = -Math.log1p(-this.double()) / TAIL;
          const limit = -Math.log1p(-this.double());
          if (limit + limit > beyond * beyond) return isNegative ? -(TAIL + beyond) : TAIL + beyond;
        }
      }
      const [above, below] = [ZIGGURAT.height[layer - 1]!, ZIGGURAT.height[layer]!];
      if ((above - below) * this.double() + below < Math.exp(-0.5 * x * x)) return x;
    }
  }

  /** choice(total, count, replace=False): `count` different numbers below `total`, in random order.  Needs 0 < count ≤ total < 2^32. */
  choice(total: number, count: number): Uint32Array {
    if (total > 10_000 && count > Math.floor(total / 50)) {
      const all = Uint32Array.from({ length: total }, (_, i) => i);
      this.#shuffle(all, Math.max(total - count, 1));
      return all.slice(total - count);
    }
    // Floyd's sampling: every draw has one candidate more than the one before. A number drawn twice is replaced by the newest candidate.
    const chosen = new Set<number>();
    for (let newest = total - count; newest < total; newest++) {
      const drawn = this.integerTo(newest);
      chosen.add(chosen.has(drawn) ? newest : drawn);
    }
    const result = Uint32Array.from(chosen);
    this.#shuffle(result, 1);
    return result;
  }

  /** Fisher–Yates shuffle of the positions from the end down to `first`. */
  #shuffle(values: Uint32Array, first: number): void {
    for (let i = values.length - 1; i >= first; i--) {
      const j = this.integerTo(i);
      [values[i], values[j]] = [values[j]!, values[i]!];
    }
  }
}
