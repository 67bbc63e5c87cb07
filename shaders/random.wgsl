// random: counter-based Philox4x32-10 (Salmon et al. 2011), four values per thread. key = (seed low, seed high, a, b).
//   uniform  U[0,1) in steps of 2⁻²⁴
//   normal   N(0,1), Box & Muller 1958
//   window   the values that `normal` has in a window of its [c,h,w]
override WG: u32 = 64u;
struct Params { n4: u32, stream: u32, h: u32, w: u32, h_whole: u32, w_whole: u32, top: u32, left: u32 }
@group(0) @binding(0) var<storage, read>       key: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<uniform>             params: Params;

// 32x32 → 64 bits from 16-bit halves: WGSL has no wide product.
fn multiply(a: u32, b: u32) -> vec2<u32> {
  let low = (a & 0xffffu) * (b & 0xffffu);
  let middle1 = (a >> 16u) * (b & 0xffffu);
  let middle2 = (a & 0xffffu) * (b >> 16u);
  let carry = ((low >> 16u) + (middle1 & 0xffffu) + (middle2 & 0xffffu)) >> 16u;
  return vec2<u32>((a >> 16u) * (b >> 16u) + (middle1 >> 16u) + (middle2 >> 16u) + carry, a * b);
}

fn philox(index: u32) -> vec4<u32> {
  var c = vec4<u32>(index, params.stream, key[2], key[3]);
  var k = vec2<u32>(key[0], key[1]);
  for (var round = 0u; round < 10u; round++) {
    let p = multiply(0xd2511f53u, c.x);
    let q = multiply(0xcd9e8d57u, c.z);
    c = vec4<u32>(q.x ^ c.y ^ k.x, q.y, p.x ^ c.w ^ k.y, p.y);
    k += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

fn to_unit(word: vec4<u32>) -> vec4<f32> { return vec4<f32>(word >> vec4<u32>(8u)) * 5.9604644775390625e-8; } // 2⁻²⁴

// ln x, and sin and cos of 2πu, by the polynomials of Moshier's Cephes (logf, sinf, cosf): the same noise on every driver, where
// built-in functions differ in the fourth digit.
fn log_exact(x: vec2<f32>) -> vec2<f32> { // 2⁻²⁴ ≤ x ≤ 1
  let bits = bitcast<vec2<u32>>(x);
  let half = bitcast<vec2<f32>>((bits & vec2<u32>(0x007fffffu)) | vec2<u32>(0x3f000000u)); // in [1/2, 1)
  let low = half < vec2<f32>(0.70710678118654752);
  let e = vec2<f32>(vec2<i32>(bits >> vec2<u32>(23u)) - 126) - select(vec2<f32>(0.0), vec2<f32>(1.0), low);
  let m = select(half, 2.0 * half, low) - 1.0;
  let z = m * m;
  var p = vec2<f32>(7.0376836292e-2);
  p = p * m - 1.1514610310e-1;
  p = p * m + 1.1676998740e-1;
  p = p * m - 1.2420140846e-1;
  p = p * m + 1.4249322787e-1;
  p = p * m - 1.6668057665e-1;
  p = p * m + 2.0000714765e-1;
  p = p * m - 2.4999993993e-1;
  p = p * m + 3.3333331174e-1;
  return m + (p * m * z - 2.12194440e-4 * e - 0.5 * z) + 0.693359375 * e;
}

fn cos_sin(u: f32) -> vec2<f32> { // of 2πu, 0 ≤ u < 1
  let quadrant = floor(4.0 * u + 0.5);
  let x = 6.283185307179586 * (u - 0.25 * quadrant); // in [-π/4, π/4]; the difference is exact
  let z = x * x;
  let s = ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1) * z * x + x;
  let c = ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2) * z * z - 0.5 * z + 1.0;
  let turned = select(vec2<f32>(c, s), vec2<f32>(-s, c), (u32(quadrant) & 1u) == 1u);
  return select(turned, -turned, (u32(quadrant) & 2u) == 2u);
}

@compute @workgroup_size(WG)
fn uniform_(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < params.n4) { y[i] = to_unit(philox(i)); }
}

fn normals(index: u32) -> vec4<f32> {
  let u = to_unit(philox(index));
  let radius = sqrt(-2.0 * log_exact(1.0 - u.xz)); // 1−u is in (0,1]
  return vec4<f32>(radius.x * cos_sin(u.y), radius.y * cos_sin(u.w));
}

@compute @workgroup_size(WG)
fn normal(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < params.n4) { y[i] = normals(i); }
}

@compute @workgroup_size(WG)
fn window(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i >= params.n4) { return; }
  var four: vec4<f32>;
  for (var k = 0u; k < 4u; k++) {
    let at = 4u * i + k;
    let row = at / params.w;
    let line = row / params.h * params.h_whole + row % params.h + params.top;
    let whole = line * params.w_whole + at % params.w + params.left;
    four[k] = normals(whole / 4u)[whole % 4u];
  }
  y[i] = four;
}
