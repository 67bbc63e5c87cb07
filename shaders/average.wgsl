// average: a += share·(p − a), the exponential average a of n values that change.
override WG: u32 = 64u;
struct Params { n: u32, share: f32 }
@group(0) @binding(0) var<storage, read>       p: array<f32>;
@group(0) @binding(1) var<storage, read_write> a: array<f32>;
@group(0) @binding(2) var<uniform>             params: Params;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < params.n) { a[i] += params.share * (p[i] - a[i]); }
}
