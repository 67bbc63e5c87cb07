// running_stats: running = (1−k)·running + k·batch for [mean; variance], the batch variance made unbiased: ·count/(count−1);
// one group of the batch after the other, and all of them `repeats` times.
// momentum = k: 0.1 while training, as in PyTorch; 1/t averages t passes when the statistics are recalibrated.
override WG: u32 = 64u;
struct Params { channels: u32, groups: u32, repeats: u32, unbiased: f32 }
@group(0) @binding(0) var<storage, read>       batch: array<f32>;
@group(0) @binding(1) var<storage, read>       momentum: array<f32>;
@group(0) @binding(2) var<storage, read_write> running: array<f32>;
@group(0) @binding(3) var<uniform>             params: Params;

@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= 2u * params.channels) { return; }
  var value = running[id.x];
  for (var k = 0u; k < params.groups * params.repeats; k++) {
    let of_batch = batch[k % params.groups * 2u * params.channels + id.x];
    value = (1.0 - momentum[0]) * value + momentum[0] * of_batch * select(1.0, params.unbiased, id.x >= params.channels);
  }
  running[id.x] = value;
}
