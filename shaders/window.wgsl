// window: y[r,i,j] = x[r,i−top,j−left] inside x, else 0: zero padding for positive margins, cropping for negative ones.
override WG: u32 = 64u;
struct Params { rows: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, top: i32, left: i32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform>             params: Params;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * WG + lane;
  if (at >= params.rows * params.h_out * params.w_out) { return; }
  let i = i32(at / params.w_out % params.h_out) - params.top;
  let j = i32(at % params.w_out) - params.left;
  let row = at / (params.w_out * params.h_out);
  if (i >= 0 && j >= 0 && i < i32(params.h_in) && j < i32(params.w_in)) {
    y[at] = x[(row * params.h_in + u32(i)) * params.w_in + u32(j)];
  } else {
    y[at] = 0.0;
  }
}
