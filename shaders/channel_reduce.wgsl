// channel_reduce: s[g,c] = Σ x (OP 0) or Σ x·y (OP 1) over the samples of the group and all positions.
// One workgroup per (g,c); threads add blocks of BLOCK values (short sums round less), then the workgroup reduces in fixed order. Deterministic.
override WG: u32 = 64u;
override OP: u32 = 0u;
const BLOCK = 16u;
struct Params { channels: u32, positions: u32, samples: u32 } // samples per group
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read>       y: array<f32>;
@group(0) @binding(2) var<storage, read_write> s: array<f32>;
@group(0) @binding(3) var<uniform>             params: Params;

var<workgroup> partial: array<f32, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let channel = group.x;
  var sum = 0.0;
  for (var n = 0u; n < params.samples; n++) {
    var of_sample = 0.0; // summed alone, so that samples that cancel (real and fake, for a critic's bias) cancel to the last bit
    let start = ((group.y * params.samples + n) * params.channels + channel) * params.positions;
    for (var first = lane; first < params.positions; first += WG * BLOCK) {
      let last = min(first + WG * BLOCK, params.positions);
      var few = 0.0;
      for (var p = first; p < last; p += WG) {
        if (OP == 0u) { few += x[start + p]; } else { few += x[start + p] * y[start + p]; }
      }
      of_sample += few;
    }
    sum += of_sample;
  }
  partial[lane] = sum;
  for (var width = WG / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) { partial[lane] += partial[lane + width]; }
  }
  if (lane == 0u) { s[group.y * params.channels + channel] = partial[0]; }
}
