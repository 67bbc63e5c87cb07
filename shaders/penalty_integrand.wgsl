// penalty_integrand: per pixel, with ν = √(Σ_c g²).  forward: e = (ν − 1)²;  backward: y = 2·v·(1 − 1/ν)·g, 0 where ν is 0.
override WG: u32 = 64u;
struct Params { samples: u32, channels: u32, positions: u32 }
@group(0) @binding(0) var<storage, read>       v: array<f32>; // [n,1,…]
@group(0) @binding(1) var<storage, read>       g: array<f32>; // [n,c,…]
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform>             params: Params;

fn norm(first: u32) -> f32 {
  var squares = 0.0;
  for (var c = 0u; c < params.channels; c++) {
    let here = g[first + c * params.positions];
    squares += here * here;
  }
  return sqrt(squares);
}
fn first_of(pixel: u32) -> u32 {
  return pixel / params.positions * params.channels * params.positions + pixel % params.positions;
}

@compute @workgroup_size(WG)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let pixel = (group.y * groups.x + group.x) * WG + lane;
  if (pixel >= params.samples * params.positions) { return; }
  let excess = norm(first_of(pixel)) - 1.0;
  y[pixel] = excess * excess;
}

@compute @workgroup_size(WG)
fn backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let pixel = (group.y * groups.x + group.x) * WG + lane;
  if (pixel >= params.samples * params.positions) { return; }
  let first = first_of(pixel);
  let length = norm(first);
  let factor = select(2.0 * v[pixel] * (length - 1.0) / length, 0.0, length == 0.0);
  for (var c = 0u; c < params.channels; c++) {
    let at = first + c * params.positions;
    y[at] = factor * g[at];
  }
}
