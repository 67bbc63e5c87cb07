// channel_map: y[n,c,p] from x[n,c,p] and per-channel a, b [g,c]. OP: 0 a·x, 1 a·x + b, 2 a (x not read).
// One row of workgroups per (n,c), so a and b are read once; group 1 of [1,c] is shared over n.
override WG: u32 = 64u;
override OP: u32 = 0u;
const PER_THREAD = 4u;
struct Params { channels: u32, positions: u32, groups: u32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read>       a: array<f32>;
@group(0) @binding(2) var<storage, read>       b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform>             params: Params;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y;
  let channel = select(row % params.channels, row, params.groups > 1u);
  let factor = a[channel];
  let offset = b[channel];
  for (var k = 0u; k < PER_THREAD; k++) {
    let p = (group.x * PER_THREAD + k) * WG + lane;
    if (p < params.positions) {
      let i = row * params.positions + p;
      if (OP == 0u) { y[i] = factor * x[i]; }
      else if (OP == 1u) { y[i] = factor * x[i] + offset; }
      else { y[i] = factor; }
    }
  }
}
