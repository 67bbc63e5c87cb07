// elementwise: y = f(x), four values per thread. OP: 0 k·x+c, 1 tanh, 2 sqrt, 3 1/x (0 at 0), 4 clamp to [k,c], 5 floor.
// Buffers are padded to 16 bytes, so the last vec4 may compute values nobody reads.
override WG: u32 = 64u;
override OP: u32 = 0u;
struct Params { n4: u32, k: f32, c: f32 }
@group(0) @binding(0) var<storage, read>       x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<uniform>             params: Params;

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
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i >= params.n4) { return; }
  let v = x[i];
  if (OP == 0u) { y[i] = params.k * v + params.c; }
  else if (OP == 1u) { y[i] = tanh_exact(v); }
  else if (OP == 2u) { y[i] = sqrt(max(v, vec4<f32>(0.0))); }
  else if (OP == 3u) { y[i] = select(1.0 / v, vec4<f32>(0.0), v == vec4<f32>(0.0)); }
  else if (OP == 4u) { y[i] = clamp(v, vec4<f32>(params.k), vec4<f32>(params.c)); }
  else { y[i] = floor(v); }
}
