// normalize: batch normalisation and its derivatives, per (group, channel) with cached moments m [g,2,c] (norm_leaky.wgsl).
//   forward      x̂ = (x − mean)·s, s = 1/√(variance + ε)
//   inv_std      s
//   grad         P[g] = s·(g − mean g − x̂·mean(g·x̂));                       its sums: 0 Σg, 1 Σg·x̂
//   curvature    ∂⟨v, P[g]⟩/∂x, formula in autodiff/ops/channel.ts;         its sums: 0 Σg, 1 Σg·x̂, 2 Σv, 3 Σv·x̂, 4 Σg·v
// Reductions: one workgroup per (g,c), in fixed order; a thread adds blocks of BLOCK values, because short sums round less. Maps: one row
// of workgroups per (n,c).
override WG: u32 = 64u;
override CURVATURE: bool = false; // of `sums`: computes the three sums with v too
const PER_THREAD = 4u;
const BLOCK = 16u;
struct Params { channels: u32, positions: u32, samples: u32, groups: u32, eps: f32 } // samples per group
@group(0) @binding(0) var<storage, read>       v: array<f32>;
@group(0) @binding(1) var<storage, read>       g: array<f32>;
@group(0) @binding(2) var<storage, read>       x: array<f32>;
@group(0) @binding(3) var<storage, read>       m: array<f32>;
@group(0) @binding(4) var<storage, read>       totals: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
@group(0) @binding(6) var<uniform>             params: Params;

alias Sum = f32;
//include reduce

fn entries() -> u32 { return params.groups * params.channels; }
// Where the mean of an entry is; its variance is `channels` further on.
fn mean_at(entry: u32) -> u32 { return entry + entry / params.channels * params.channels; }
fn inv_std_of(entry: u32) -> f32 { return 1.0 / sqrt(m[mean_at(entry) + params.channels] + params.eps); }
fn row_start(group: u32, sample: u32, channel: u32) -> u32 {
  return ((group * params.samples + sample) * params.channels + channel) * params.positions;
}

@compute @workgroup_size(WG)
fn inv_std(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x < entries()) { y[id.x] = inv_std_of(id.x); }
}

@compute @workgroup_size(WG)
fn forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y;
  let entry = select(row % params.channels, row, params.groups > 1u);
  let mean = m[mean_at(entry)];
  let s = inv_std_of(entry);
  for (var k = 0u; k < PER_THREAD; k++) {
    let p = (group.x * PER_THREAD + k) * WG + lane;
    if (p < params.positions) {
      let i = row * params.positions + p;
      y[i] = (x[i] - mean) * s;
    }
  }
}

fn write_sum(k: u32, value: f32, entry: u32, lane: u32) {
  let sum = reduce(value, lane);
  if (lane == 0u) { y[k * entries() + entry] = sum; }
}

@compute @workgroup_size(WG)
fn sums(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let entry = group.y * params.channels + group.x;
  let mean = m[mean_at(entry)];
  let s = inv_std_of(entry);
  var of_g = vec2<f32>(0.0);
  var of_v = vec2<f32>(0.0);
  var of_both = 0.0;
  for (var n = 0u; n < params.samples; n++) {
    let start = row_start(group.y, n, group.x);
    for (var first = lane; first < params.positions; first += WG * BLOCK) {
      let last = min(first + WG * BLOCK, params.positions);
      var few_g = vec2<f32>(0.0);
      var few_v = vec2<f32>(0.0);
      var few_both = 0.0;
      for (var p = first; p < last; p += WG) {
        let x_hat = (x[start + p] - mean) * s;
        let g_here = g[start + p];
        few_g += vec2<f32>(g_here, g_here * x_hat);
        if (CURVATURE) {
          let v_here = v[start + p];
          few_v += vec2<f32>(v_here, v_here * x_hat);
          few_both += g_here * v_here;
        }
      }
      of_g += few_g;
      of_v += few_v;
      of_both += few_both;
    }
  }
  write_sum(0u, of_g.x, entry, lane);
  write_sum(1u, of_g.y, entry, lane);
  if (CURVATURE) {
    write_sum(2u, of_v.x, entry, lane);
    write_sum(3u, of_v.y, entry, lane);
    write_sum(4u, of_both, entry, lane);
  }
}

@compute @workgroup_size(WG)
fn grad(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y;
  let entry = select(row % params.channels, row, params.groups > 1u);
  let count = f32(params.samples * params.positions);
  let mean = m[mean_at(entry)];
  let s = inv_std_of(entry);
  let mean_g = totals[entry] / count;
  let mean_gx = totals[entries() + entry] / count;
  for (var k = 0u; k < PER_THREAD; k++) {
    let p = (group.x * PER_THREAD + k) * WG + lane;
    if (p < params.positions) {
      let i = row * params.positions + p;
      y[i] = s * (g[i] - mean_g - (x[i] - mean) * s * mean_gx);
    }
  }
}

@compute @workgroup_size(WG)
fn curvature(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y;
  let entry = select(row % params.channels, row, params.groups > 1u);
  let count = f32(params.samples * params.positions);
  let mean = m[mean_at(entry)];
  let s = inv_std_of(entry);
  let mean_g = totals[entry] / count;
  let r = totals[entries() + entry] / count;
  let mean_v = totals[2u * entries() + entry] / count;
  let q = totals[3u * entries() + entry] / count;
  let mean_gv = totals[4u * entries() + entry] / count;
  let parallel = mean_gv - mean_g * mean_v - 3.0 * q * r;
  for (var k = 0u; k < PER_THREAD; k++) {
    let p = (group.x * PER_THREAD + k) * WG + lane;
    if (p < params.positions) {
      let i = row * params.positions + p;
      let x_hat = (x[i] - mean) * s;
      y[i] = -s * s * (q * (g[i] - mean_g) + r * (v[i] - mean_v) + x_hat * parallel);
    }
  }
}
