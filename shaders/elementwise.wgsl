// elementwise: y = f(x), four values per thread. OP: 0 k·x+c, 1 tanh, 2 sqrt, 3 1/x (0 at 0), 4 clamp to [k,c], 5 floor.
// Buffers are padded to 16 bytes, so the last vec4 may compute values nobody reads.
override WG: u32 = 64u;
override OP: u32 = 0u;
struct Params { n4: u32, k: f32, c: f32 }
@group(0) @binding(0) var<storage, read>       x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<uniform>             params: Params;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i >= params.n4) { return; }
  let v = x[i];
  if (OP == 0u) { y[i] = params.k * v + params.c; }
  else if (OP == 1u) { y[i] = tanh(clamp(v, vec4<f32>(-15.0), vec4<f32>(15.0))); } // beyond ±15 tanh is ±1 in f32; some drivers overflow
  else if (OP == 2u) { y[i] = sqrt(max(v, vec4<f32>(0.0))); }
  else if (OP == 3u) { y[i] = select(1.0 / v, vec4<f32>(0.0), v == vec4<f32>(0.0)); }
  else if (OP == 4u) { y[i] = clamp(v, vec4<f32>(params.k), vec4<f32>(params.c)); }
  else { y[i] = floor(v); }
}
