// sum: s[k] = Σ x over the values that workgroup k strides over. Run twice: many workgroups to partial sums, one to the result.
// Fixed order: no atomics.
override WG: u32 = 256u;
struct Params { n: u32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read_write> s: array<f32>;
@group(0) @binding(2) var<uniform>             params: Params;

var<workgroup> partial: array<f32, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = group.x * WG + lane; i < params.n; i += groups.x * WG) { sum += x[i]; }
  partial[lane] = sum;
  for (var width = WG / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) { partial[lane] += partial[lane + width]; }
  }
  if (lane == 0u) { s[group.x] = partial[0]; }
}
