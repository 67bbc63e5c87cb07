// norm_leaky: batch norm with LeakyReLU and its derivatives; formulas in autodiff/ops/fused.ts.
//   statistics  m = moments of x alone: mean and biased variance
//   forward     m = moments of x, y = LeakyReLU(γ·x̂ + β); in the others k = 1 where y > 0, else α
//   backward    h = γ·P[k·g], Σ k·g·x̂, Σ k·g
//   second      ∂⟨v,h⟩/∂g, ∂⟨v,h⟩/∂x, ∂⟨v,h⟩/∂γ; its moments are computed again, for WebGPU binds 8 buffers and this has 8 others
// One workgroup per channel (statistics, forward: per channel and group) sums over its rows and then writes them, so that a pass is one dispatch
// and the rows are still in the cache. A lane adds blocks of BLOCK values: short sums round less. Fixed order: deterministic.
// Loops take four steps a turn where they can: on software adapters a turn costs what a load does.
override WG: u32 = 256u;
const BLOCK = 16u;
struct Params { channels: u32, positions: u32, samples: u32, groups: u32, eps: f32, alpha: f32 } // samples per group
@group(0) @binding(0)  var<storage, read>       v: array<f32>;
@group(0) @binding(1)  var<storage, read>       g: array<f32>;
@group(0) @binding(2)  var<storage, read>       x: array<f32>;
@group(0) @binding(3)  var<storage, read>       m: array<f32>;
@group(0) @binding(4)  var<storage, read>       gamma: array<f32>;
@group(0) @binding(5)  var<storage, read>       beta: array<f32>;
@group(0) @binding(6)  var<storage, read>       y: array<f32>;
@group(0) @binding(7)  var<storage, read_write> moments: array<f32>;
@group(0) @binding(8)  var<storage, read_write> out: array<f32>;
@group(0) @binding(9)  var<storage, read_write> scale_grad: array<f32>;
@group(0) @binding(10) var<storage, read_write> shift_grad: array<f32>;
@group(0) @binding(11) var<storage, read_write> curvature: array<f32>;
@group(0) @binding(12) var<uniform>             params: Params;

var<workgroup> partial: array<vec4<f32>, WG>;

fn reduce(value: vec4<f32>, lane: u32) -> vec4<f32> {
  workgroupBarrier();
  partial[lane] = value;
  for (var width = WG / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) { partial[lane] += partial[lane + width]; }
  }
  workgroupBarrier();
  return partial[0];
}

fn row_start(group: u32, sample: u32, channel: u32) -> u32 {
  return ((group * params.samples + sample) * params.channels + channel) * params.positions;
}

fn powers(t: f32) -> vec2<f32> {
  return vec2<f32>(t * t, t);
}

// Mean and biased variance of a channel in a group, in two passes; what rounding left in the mean is corrected for.
fn moments_of(group: u32, channel: u32, lane: u32) -> vec2<f32> {
  let count = f32(params.samples * params.positions);
  var sum = 0.0;
  for (var n = 0u; n < params.samples; n++) {
    let start = row_start(group, n, channel);
    for (var first = lane; first < params.positions; first += WG * BLOCK) {
      let last = min(first + WG * BLOCK, params.positions);
      var few = 0.0;
      var p = first;
      for (; p + 3u * WG < last; p += 4u * WG) {
        //for k in 0..4 {
        few += x[start + p + $(k)u * WG];
        //}
      }
      for (; p < last; p += WG) { few += x[start + p]; }
      sum += few;
    }
  }
  let mean = reduce(vec4<f32>(sum), lane).x / count;
  var squares = vec2<f32>(0.0); // Σ(x − mean)², Σ(x − mean)
  for (var n = 0u; n < params.samples; n++) {
    let start = row_start(group, n, channel);
    for (var first = lane; first < params.positions; first += WG * BLOCK) {
      let last = min(first + WG * BLOCK, params.positions);
      var few = vec2<f32>(0.0);
      var p = first;
      for (; p + 3u * WG < last; p += 4u * WG) {
        //for k in 0..4 {
        few += powers(x[start + p + $(k)u * WG] - mean);
        //}
      }
      for (; p < last; p += WG) { few += powers(x[start + p] - mean); }
      squares += few;
    }
  }
  let total = reduce(vec4<f32>(squares, 0.0, 0.0), lane).xy / count;
  return vec2<f32>(mean + total.y, max(total.x - total.y * total.y, 0.0));
}

fn leaky(t: f32) -> f32 {
  return select(params.alpha * t, t, t > 0.0);
}

// k·g, where y is what became of the value by LeakyReLU.
fn masked(at: u32) -> f32 {
  return g[at] * select(params.alpha, 1.0, y[at] > 0.0);
}

fn keep(stats: vec2<f32>, group: u32, channel: u32) {
  moments[group * 2u * params.channels + channel] = stats.x;
  moments[(group * 2u + 1u) * params.channels + channel] = stats.y;
}

@compute @workgroup_size(WG)
fn statistics(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let stats = moments_of(id.y, id.x, lane);
  if (lane == 0u) { keep(stats, id.y, id.x); }
}

@compute @workgroup_size(WG)
fn forward(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let channel = id.x;
  let stats = moments_of(id.y, channel, lane);
  if (lane == 0u) { keep(stats, id.y, channel); }
  let s = 1.0 / sqrt(stats.y + params.eps);
  let scale = gamma[channel];
  let shift = beta[channel];
  for (var n = 0u; n < params.samples; n++) {
    let start = row_start(id.y, n, channel);
    var p = lane;
    for (; p + 3u * WG < params.positions; p += 4u * WG) {
      //for k in 0..4 {
      out[start + p + $(k)u * WG] = leaky((x[start + p + $(k)u * WG] - stats.x) * s * scale + shift);
      //}
    }
    for (; p < params.positions; p += WG) { out[start + p] = leaky((x[start + p] - stats.x) * s * scale + shift); }
  }
}

@compute @workgroup_size(WG)
fn backward(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let channel = id.x;
  let count = f32(params.samples * params.positions);
  let scale = gamma[channel];
  var all = vec2<f32>(0.0);
  for (var group = 0u; group < params.groups; group++) {
    let mean = m[group * 2u * params.channels + channel];
    let s = 1.0 / sqrt(m[(group * 2u + 1u) * params.channels + channel] + params.eps);
    var sums = vec2<f32>(0.0); // Σ k·g, Σ k·g·x̂
    for (var n = 0u; n < params.samples; n++) {
      let start = row_start(group, n, channel);
      for (var first = lane; first < params.positions; first += WG * BLOCK) {
        let last = min(first + WG * BLOCK, params.positions);
        var few = vec2<f32>(0.0);
        var p = first;
        for (; p + 3u * WG < last; p += 4u * WG) {
          //for k in 0..4 {
          few += masked(start + p + $(k)u * WG) * vec2<f32>(1.0, (x[start + p + $(k)u * WG] - mean) * s);
          //}
        }
        for (; p < last; p += WG) { few += masked(start + p) * vec2<f32>(1.0, (x[start + p] - mean) * s); }
        sums += few;
      }
    }
    sums = reduce(vec4<f32>(sums, 0.0, 0.0), lane).xy;
    all += sums;
    let means = sums / count;
    for (var n = 0u; n < params.samples; n++) {
      let start = row_start(group, n, channel);
      var p = lane;
      for (; p + 3u * WG < params.positions; p += 4u * WG) {
        //for k in 0..4 {
        let x_hat$k = (x[start + p + $(k)u * WG] - mean) * s;
        out[start + p + $(k)u * WG] = scale * s * (masked(start + p + $(k)u * WG) - means.x - x_hat$k * means.y);
        //}
      }
      for (; p < params.positions; p += WG) {
        let x_hat = (x[start + p] - mean) * s;
        out[start + p] = scale * s * (masked(start + p) - means.x - x_hat * means.y);
      }
    }
  }
  if (lane == 0u) {
    scale_grad[channel] = all.y;
    shift_grad[channel] = all.x;
  }
}

@compute @workgroup_size(WG)
fn second(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let channel = id.x;
  let count = f32(params.samples * params.positions);
  let scale = gamma[channel];
  var all = 0.0;
  for (var group = 0u; group < params.groups; group++) {
    let stats = moments_of(group, channel, lane);
    let s = 1.0 / sqrt(stats.y + params.eps);
    var linear = vec4<f32>(0.0); // Σ v, Σ v·x̂, Σ k·g, Σ k·g·x̂
    var product = 0.0; // Σ k·g·v
    for (var n = 0u; n < params.samples; n++) {
      let start = row_start(group, n, channel);
      for (var first = lane; first < params.positions; first += WG * BLOCK) {
        let last = min(first + WG * BLOCK, params.positions);
        var few = vec4<f32>(0.0);
        var few_products = 0.0;
        for (var p = first; p < last; p += WG) {
          let x_hat = (x[start + p] - stats.x) * s;
          let kg = masked(start + p);
          let v_here = v[start + p];
          few += vec4<f32>(v_here, v_here * x_hat, kg, kg * x_hat);
          few_products += kg * v_here;
        }
        linear += few;
        product += few_products;
      }
    }
    linear = reduce(linear, lane) / count;
    product = reduce(vec4<f32>(product), lane).x / count;
    let along = product - linear.z * linear.x - linear.y * linear.w; // mean k·g·P[v]/s
    all += count * s * along;
    let parallel = along - 2.0 * linear.y * linear.w;
    for (var n = 0u; n < params.samples; n++) {
      let start = row_start(group, n, channel);
      for (var p = lane; p < params.positions; p += WG) {
        let x_hat = (x[start + p] - stats.x) * s;
        let slope = select(params.alpha, 1.0, y[start + p] > 0.0);
        let kg = g[start + p] * slope;
        let v_here = v[start + p];
        out[start + p] = slope * scale * s * (v_here - linear.x - x_hat * linear.y);
        curvature[start + p] =
          -s * s * scale * (linear.y * (kg - linear.z) + linear.w * (v_here - linear.x) + x_hat * parallel);
      }
    }
  }
  if (lane == 0u) { scale_grad[channel] = all; }
}
