// elementwise2: y = f(a, b), four values per thread.
// OP: 0 a+b, 1 a·b, 2 LeakyReLU mask (a where b > 0, else k·a), 3 clamp mask (a where k < b < c, else 0).
override WG: u32 = 64u;
override OP: u32 = 0u;
struct Params { n4: u32, k: f32, c: f32 }
@group(0) @binding(0) var<storage, read>       a: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read>       b: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(3) var<uniform>             params: Params;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i >= params.n4) { return; }
  let p = a[i];
  let q = b[i];
  if (OP == 0u) { y[i] = p + q; }
  else if (OP == 1u) { y[i] = p * q; }
  else if (OP == 2u) { y[i] = select(params.k * p, p, q > vec4<f32>(0.0)); }
  else { y[i] = select(vec4<f32>(0.0), p, (q > vec4<f32>(params.k)) & (q < vec4<f32>(params.c))); }
}
