// resize: y[r,i,j] = Σ_{a,b} wy[i,a]·wx[j,b]·x[r, iy[i,a], ix[j,b]]: any separable resampling, by tap tables.
// One output value per thread. CLAMP: x is clamped to [lo,hi] before and y after.
override WG: u32 = 64u;
override CLAMP: bool = false;
struct Params { rows: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, taps_y: u32, taps_x: u32, lo: f32, hi: f32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read>       index_y: array<u32>;
@group(0) @binding(2) var<storage, read>       weight_y: array<f32>;
@group(0) @binding(3) var<storage, read>       index_x: array<u32>;
@group(0) @binding(4) var<storage, read>       weight_x: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<uniform>             params: Params;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * WG + lane;
  if (at >= params.rows * params.h_out * params.w_out) { return; }
  let i = at / params.w_out % params.h_out;
  let j = at % params.w_out;
  let image = at / (params.w_out * params.h_out) * params.h_in;
  var sum = 0.0;
  for (var a = 0u; a < params.taps_y; a++) {
    let line = (image + index_y[i * params.taps_y + a]) * params.w_in;
    var across = 0.0;
    for (var b = 0u; b < params.taps_x; b++) {
      var value = x[line + index_x[j * params.taps_x + b]];
      if (CLAMP) { value = clamp(value, params.lo, params.hi); }
      across += weight_x[j * params.taps_x + b] * value;
    }
    sum += weight_y[i * params.taps_y + a] * across;
  }
  if (CLAMP) { sum = clamp(sum, params.lo, params.hi); }
  y[at] = sum;
}
