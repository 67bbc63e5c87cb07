// chunk_sum: y[i] = Σ_k x[k·n + i]: the second stage of reductions whose first stage has one partial result per chunk. Fixed order.
override WG: u32 = 64u;
struct Params { n: u32, chunks: u32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform>             params: Params;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i >= params.n) { return; }
  var sum = 0.0;
  for (var k = 0u; k < params.chunks; k++) { sum += x[k * params.n + i]; }
  y[i] = sum;
}
