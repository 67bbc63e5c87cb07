// The random numbers of ops/random.ts on the CPU: the reference for random.wgsl, and the source of initial weights and walks of noise.
// Philox4x32-10, Salmon et al. 2011; normals by Box & Muller 1958.

const MULTIPLIERS = [0xd2511f53, 0xcd9e8d57] as const;
const WEYL = [0x9e3779b9, 0xbb67ae85] as const;
const ROUNDS = 10;

/** Philox4x32-10 of one counter under one key, in plain integers: the reference for random.wgsl and the source of initial weights. */
export function philox(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < ROUNDS; round++) {
    const [high0, low0] = multiply(MULTIPLIERS[0], c0);
    const [high1, low1] = multiply(MULTIPLIERS[1], c2);
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + WEYL[0]) >>> 0;
    k1 = (k1 + WEYL[1]) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** 32x32 → 64 bits, from products of 16 bits each: BigInt is many times slower, and an animation draws millions. */
function multiply(a: number, b: number): [high: number, low: number] {
  const [a1, a0, b1, b0] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const middle = a1 * b0 + a0 * b1 + ((a0 * b0) >>> 16); // below 2^34: exact
  return [a1 * b1 + Math.floor(middle / 0x10000), Math.imul(a, b) >>> 0];
}

/** The four random words of block `index` of a stream under the key (seed low, seed high, a, b). */
export function randomBlock(key: ArrayLike<number>, stream: number, index: number): [number, number, number, number] {
  return philox([index >>> 0, stream >>> 0, key[2]! >>> 0, key[3]! >>> 0], [key[0]! >>> 0, key[1]! >>> 0]);
}

/** `count` values of U[0,1), the same bits as the GPU's. */
export function uniforms(key: ArrayLike<number>, stream: number, count: number): Float64Array {
  const out = new Float64Array(count);
  for (let i = 0; i < count; i += 4) {
    const words = randomBlock(key, stream, i / 4);
    for (let k = 0; k < 4 && i + k < count; k++) out[i + k] = toUnit(words[k]!);
  }
  return out;
}

/** `count` values of N(0,1) in f64; the GPU's agree to f32 rounding. */
export function normals(key: ArrayLike<number>, stream: number, count: number): Float64Array {
  const out = new Float64Array(count);
  for (let i = 0; i < count; i += 4) {
    const words = randomBlock(key, stream, i / 4);
    for (let k = 0; k < 4 && i + k < count; k++) {
      const pair = k & 2;
      const radius = Math.sqrt(-2 * Math.log(1 - toUnit(words[pair]!)));
      const angle = 2 * Math.PI * toUnit(words[pair + 1]!);
      out[i + k] = radius * (k & 1 ? Math.sin(angle) : Math.cos(angle));
    }
  }
  return out;
}

const toUnit = (word: number): number => (word >>> 8) * 2 ** -24;
