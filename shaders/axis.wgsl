// axis: x viewed as [outer, n, inner].
//   sum        y[o,i] = Σ_k x[o,k,i]
//   broadcast  y[o,k,i] = x[o,i]
// One output value per thread.
override WG: u32 = 64u;
struct Params { outer: u32, n: u32, inner: u32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform>             params: Params;

@compute @workgroup_size(WG)
fn sum(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * WG + lane;
  if (at >= params.outer * params.inner) { return; }
  let start = at / params.inner * params.n * params.inner + at % params.inner;
  var total = 0.0;
  for (var k = 0u; k < params.n; k++) { total += x[start + k * params.inner]; }
  y[at] = total;
}

@compute @workgroup_size(WG)
fn broadcast(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * WG + lane;
  if (at >= params.outer * params.n * params.inner) { return; }
  y[at] = x[at / (params.n * params.inner) * params.inner + at % params.inner];
}
