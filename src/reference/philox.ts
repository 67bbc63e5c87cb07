// A second Philox4x32-10, in 64-bit integers and with round keys in closed form. It shares no code with src/autodiff/philox.ts.
// Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3; normals by Box & Muller 1958.

const WORD = 0xffff_ffffn;
const [M0, M1] = [0xd251_1f53n, 0xcd9e_8d57n];
/** Increments of the key per round: the golden ratio and √3 − 1. */
const [W0, W1] = [0x9e37_79b9n, 0xbb67_ae85n];
const ROUNDS = 10n;

type Words = readonly [bigint, bigint, bigint, bigint];

/** Round r: with p = M0·x0 and q = M1·x2, (x0,x1,x2,x3) ← (hi q ⊕ x1 ⊕ k0, lo q, hi p ⊕ x3 ⊕ k1, lo p), keys kᵢ + r·Wᵢ. */
function rounds([x0, x1, x2, x3]: Words, k0: bigint, k1: bigint, r = 0n): Words {
  if (r === ROUNDS) return [x0, x1, x2, x3];
  const [p, q] = [M0 * x0, M1 * x2];
  const [key0, key1] = [(k0 + r * W0) & WORD, (k1 + r * W1) & WORD];
  return rounds([(q >> 32n) ^ x1 ^ key0, q & WORD, (p >> 32n) ^ x3 ^ key1, p & WORD], k0, k1, r + 1n);
}

export function philox4x32(counter: ArrayLike<number>, key: ArrayLike<number>): number[] {
  const [x0, x1, x2, x3] = Array.from(counter, BigInt) as [bigint, bigint, bigint, bigint];
  return rounds([x0, x1, x2, x3], BigInt(key[0]!), BigInt(key[1]!)).map(Number);
}

/** `count` words: block i is Philox of (i, stream, a, b) under (seed low, seed high), with key = (seed low, seed high, a, b). */
function words(key: ArrayLike<number>, stream: number, count: number): number[] {
  const blocks = Array.from({ length: Math.ceil(count / 4) }, (_, i) => philox4x32([i, stream, key[2]!, key[3]!], key));
  return blocks.flat();
}

const unit = (word: number): number => Math.floor(word / 256) / 2 ** 24;

/** U[0,1) in steps of 2⁻²⁴, from the upper 24 bits of a word. */
export function uniformValues(key: ArrayLike<number>, stream: number, count: number): Float64Array {
  return Float64Array.from(words(key, stream, count).slice(0, count), unit);
}

/** The Box & Muller radius of every value. The rounding error is proportional to it. */
export function normalRadii(key: ArrayLike<number>, stream: number, count: number): Float64Array {
  const u = uniformValues(key, stream, 4 * Math.ceil(count / 4));
  return u.map((_, i) => Math.sqrt(-2 * Math.log1p(-u[i & ~1]!))).slice(0, count);
}

/** N(0,1): two words (u, v) make the values √(−2 ln(1−u))·cos 2πv and √(−2 ln(1−u))·sin 2πv. */
export function normalValues(key: ArrayLike<number>, stream: number, count: number): Float64Array {
  const u = uniformValues(key, stream, 4 * Math.ceil(count / 4));
  return normalRadii(key, stream, count).map((radius, i) => {
    const angle = 2 * Math.PI * u[i | 1]!;
    return radius * (i % 2 === 0 ? Math.cos(angle) : Math.sin(angle));
  });
}
