// sum: over the values that workgroup k strides over.  plain: s[k] = factor·Σ x;  squared_error: s[k] = factor·Σ (x−y)².
// Long sums take two dispatches: many workgroups compute partial sums, then one adds those. Fixed order: no atomics.
override WG: u32 = 256u;
struct Params { n: u32, factor: f32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read>       y: array<f32>;
@group(0) @binding(2) var<storage, read_write> s: array<f32>;
@group(0) @binding(3) var<uniform>             params: Params;

var<workgroup> partial: array<f32, WG>;

fn reduce(value: f32, lane: u32) -> f32 {
  partial[lane] = value;
  for (var width = WG / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) { partial[lane] += partial[lane + width]; }
  }
  return partial[0]; // the total only in lane 0
}

@compute @workgroup_size(WG)
fn plain(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = group.x * WG + lane; i < params.n; i += groups.x * WG) { sum += x[i]; }
  let total = reduce(sum, lane);
  if (lane == 0u) { s[group.x] = params.factor * total; }
}

@compute @workgroup_size(WG)
fn squared_error(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  var sum = 0.0;
  for (var i = group.x * WG + lane; i < params.n; i += groups.x * WG) {
    let difference = x[i] - y[i];
    sum += difference * difference;
  }
  let total = reduce(sum, lane);
  if (lane == 0u) { s[group.x] = params.factor * total; }
}
