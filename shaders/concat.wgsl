// concat: y = the values of a, then those of b.
override WG: u32 = 64u;
struct Params { n_a: u32, n: u32 }
@group(0) @binding(0) var<storage, read>       a: array<f32>;
@group(0) @binding(1) var<storage, read>       b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform>             params: Params;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i >= params.n) { return; }
  if (i < params.n_a) { y[i] = a[i]; } else { y[i] = b[i - params.n_a]; }
}
