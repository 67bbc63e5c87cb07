// elementwise: y = f(…), four values per thread.
//   map1  OP: 0 k·a+c, 1 tanh a, 2 √a, 3 1/a (0 at 0), 4 clamp to [k,c], 5 ⌊a⌋
//   map2  OP: 0 a+b, 1 a·b, 2 LeakyReLU mask (a where b > 0, else k·a), 3 clamp mask (a where k < b < c, else 0), 4 tanh a + b,
//             5 a·(1 − tanh² b)
//   map2_scalar, with one value s for all. OP: 0 s·a + (1−s)·b, 1 k·s·(a−b)
// Buffers are padded to 16 bytes: the last vec4 may have values that are never read.
override WG: u32 = 64u;
override OP: u32 = 0u;
struct Params { n4: u32, k: f32, c: f32 }
@group(0) @binding(0) var<storage, read>       a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read>       b: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read>       s: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(4) var<uniform>             params: Params;

// e^x and tanh x by the polynomials of Moshier's Cephes (expf, tanhf): a few 1e-8 accurate, and the same on every driver, where
// built-in functions differ in the fourth digit near 0.
fn exp_exact(x: vec4<f32>) -> vec4<f32> {
  let n = floor(x * 1.44269504088896341 + 0.5);
  let r = x - n * 0.693359375 - n * -2.12194440e-4;
  var p = vec4<f32>(1.9875691500e-4);
  p = p * r + 1.3981999507e-3;
  p = p * r + 8.3334519073e-3;
  p = p * r + 4.1665795894e-2;
  p = p * r + 1.6666665459e-1;
  p = p * r + 5.0000001201e-1;
  return (p * r * r + r + 1.0) * bitcast<vec4<f32>>(vec4<u32>(vec4<i32>(n) + 127) << vec4<u32>(23u));
}

fn tanh_exact(x: vec4<f32>) -> vec4<f32> {
  let z = x * x;
  var p = vec4<f32>(-5.70498872745e-3);
  p = p * z + 2.06390887954e-2;
  p = p * z - 5.37397155531e-2;
  p = p * z + 1.33314422036e-1;
  p = p * z - 3.33332819422e-1;
  let a = min(abs(x), vec4<f32>(10.0)); // tanh 10 is 1 in f32
  let large = sign(x) * (1.0 - 2.0 / (exp_exact(2.0 * a) + 1.0));
  return select(large, p * z * x + x, a < vec4<f32>(0.625));
}

@compute @workgroup_size(WG)
fn map1(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i >= params.n4) { return; }
  let v = a[i];
  if (OP == 0u) { y[i] = params.k * v + params.c; }
  else if (OP == 1u) { y[i] = tanh_exact(v); }
  else if (OP == 2u) { y[i] = sqrt(max(v, vec4<f32>(0.0))); }
  else if (OP == 3u) { y[i] = select(1.0 / v, vec4<f32>(0.0), v == vec4<f32>(0.0)); }
  else if (OP == 4u) { y[i] = clamp(v, vec4<f32>(params.k), vec4<f32>(params.c)); }
  else { y[i] = floor(v); }
}

@compute @workgroup_size(WG)
fn map2(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i >= params.n4) { return; }
  let p = a[i];
  let q = b[i];
  if (OP == 0u) { y[i] = p + q; }
  else if (OP == 1u) { y[i] = p * q; }
  else if (OP == 2u) { y[i] = select(params.k * p, p, q > vec4<f32>(0.0)); }
  else if (OP == 3u) { y[i] = select(vec4<f32>(0.0), p, (q > vec4<f32>(params.k)) & (q < vec4<f32>(params.c))); }
  else if (OP == 4u) { y[i] = tanh_exact(p) + q; }
  else {
    let t = tanh_exact(q);
    y[i] = p * (1.0 - t * t);
  }
}

@compute @workgroup_size(WG)
fn map2_scalar(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i >= params.n4) { return; }
  if (OP == 0u) { y[i] = s[0] * a[i] + (1.0 - s[0]) * b[i]; }
  else { y[i] = params.k * s[0] * (a[i] - b[i]); }
}
