// The weight of a patch, four at a time in the SIMD of WebAssembly.

/** A weight below 2^-36 of the largest counts as 0: those of 100,000 patches are less than 2e-6 of it together. */
export const LOGITS: f32 = 36;

/**
 * 2^v where v > −LOGITS, else 0; for v ≤ 0, or not much more. 2^v = 2^k·2^f with |f| ≤ ½, by the polynomial of Moshier's Cephes (exp2f). Adding 1.5·2²³
 * rounds v to the whole number k, and leaves it in the lowest bits, from where it is added to the exponent. pmin and pmax are one instruction each;
 * min and max have rules for NaN and cost many.
 */
export function weightOf(v: v128): v128 {
  const least = f32x4.splat(-LOGITS);
  const whole = f32x4.splat(12582912);
  const bounded = f32x4.pmax(v, least);
  const rounded = f32x4.add(bounded, whole);
  const f = f32x4.sub(bounded, f32x4.sub(rounded, whole));
  let p = f32x4.splat(1.535336188e-4);
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(1.33988744e-3));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(9.618437358e-3));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(5.550332471e-2));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(2.402264791e-1));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(6.931472029e-1));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(1));
  return v128.and(i32x4.add(p, i32x4.shl(rounded, 23)), f32x4.gt(v, least));
}
