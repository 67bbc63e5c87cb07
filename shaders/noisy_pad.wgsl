// noisy_pad: y[n,c,i,j] = a[c]·z[n or 0,c,i−top,j−left] + x[n,c,i−top,j−left] inside x, else 0.
override WG: u32 = 64u;
struct Params { samples: u32, z_samples: u32, channels: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, top: u32, left: u32 }
@group(0) @binding(0) var<storage, read>       z: array<f32>;
@group(0) @binding(1) var<storage, read>       a: array<f32>;
@group(0) @binding(2) var<storage, read>       x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform>             params: Params;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * WG + lane;
  let row = at / (params.w_out * params.h_out);
  if (row >= params.samples * params.channels) { return; }
  let i = at / params.w_out % params.h_out - params.top; // above and left of x: a huge number
  let j = at % params.w_out - params.left;
  if (i < params.h_in && j < params.w_in) {
    let inside = i * params.w_in + j;
    let plane = params.h_in * params.w_in;
    let channel = row % params.channels;
    let z_row = select(channel, row, params.z_samples > 1u);
    y[at] = a[channel] * z[z_row * plane + inside] + x[row * plane + inside];
  } else {
    y[at] = 0.0;
  }
}
