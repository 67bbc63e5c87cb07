// 16-bit floats (IEEE 754 binary16), which JavaScript has only since 2025 (Float16Array; not in Node 20).

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** The 16-bit floats nearest to `values`, ties to even: 11 significant bits, at most 65504, infinity from 65520 on; steps of 2⁻²⁴ below 2⁻¹⁴. */
export function toHalf(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, (value) => {
    float[0] = Math.abs(value);
    const magnitude = bits[0]!;
    const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
    if (Number.isNaN(value)) return 0x7e00;
    if (magnitude >= 0x47800000) return sign | 0x7c00; // 2¹⁶ and beyond
    if (magnitude < 0x38800000) {
      // Below 2⁻¹⁴. The last bit of float32 values from 1/2 to 1 is 2⁻²⁴, so adding 1/2 rounds to it.
      float[0] += 0.5;
      return sign | (bits[0]! - 0x3f000000);
    }
    const even = (magnitude >>> 13) & 1;
    return sign | ((magnitude - 0x38000000 + 0xfff + even) >>> 13); // exponents count from 15 instead of 127
  });
}

/** The values of 16-bit floats, exactly. */
export function fromHalf(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const [exponent, fraction] = [(half >> 10) & 31, half & 1023];
    if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
  });
}
