// random: counter-based Philox4x32-10 (Salmon et al. 2011), four values per thread. key = (seed low, seed high, a, b).
//   uniform  U[0,1) in steps of 2⁻²⁴
//   normal   N(0,1), Box & Muller 1958
override WG: u32 = 64u;
struct Params { n4: u32, stream: u32 }
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

@compute @workgroup_size(WG)
fn uniform_(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < params.n4) { y[i] = to_unit(philox(i)); }
}

@compute @workgroup_size(WG)
fn normal(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i >= params.n4) { return; }
  let u = to_unit(philox(i));
  let radius = sqrt(-2.0 * log(1.0 - u.xz)); // 1−u is in (0,1]
  let angle = 6.283185307179586 * u.yw;
  y[i] = vec4<f32>(radius.x * cos(angle.x), radius.x * sin(angle.x), radius.y * cos(angle.y), radius.y * sin(angle.y));
}
