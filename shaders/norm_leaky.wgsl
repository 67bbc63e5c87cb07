// norm_leaky: batch norm with LeakyReLU and its derivatives; formulas in autodiff/ops/fused.ts.
//   statistics  m = moments of x alone: mean and biased variance
//   forward     m = moments of x, y = LeakyReLU(γ·x̂ + β). For the next two, k = 1 where y > 0, else α.
//   backward    h = γ·P[k·g], Σ k·g·x̂, Σ k·g
//   second      ∂⟨v,h⟩/∂g, ∂⟨v,h⟩/∂x, ∂⟨v,h⟩/∂γ; computes the moments again, because WebGPU binds no more than its 8 other buffers
// One workgroup per channel (statistics, forward: per channel and group) sums over its rows and then writes them: a pass is one dispatch, and
// the second reading finds the rows in the cache. Threads read four neighbouring values as a vec4, by one address, which is cheaper on
// software adapters. The values of neighbouring rows in a row's first and last vec4 count as 0. A thread adds blocks of BLOCK vec4s: short
// sums round less. The order is fixed: deterministic. The loops of the moments take two steps per turn, because a turn costs software
// adapters as much as a load.
override WG: u32 = 256u;
const BLOCK = 16u;
const_assert BLOCK % 2u == 0u; // both steps of a turn are in one block
struct Params { channels: u32, positions: u32, samples: u32, groups: u32, eps: f32, alpha: f32 } // samples per group
@group(0) @binding(0)  var<storage, read>       v: array<vec4<f32>>;
@group(0) @binding(1)  var<storage, read>       g: array<vec4<f32>>;
@group(0) @binding(2)  var<storage, read>       x: array<vec4<f32>>;
@group(0) @binding(3)  var<storage, read>       m: array<f32>;
@group(0) @binding(4)  var<storage, read>       gamma: array<f32>;
@group(0) @binding(5)  var<storage, read>       beta: array<f32>;
@group(0) @binding(6)  var<storage, read>       y: array<vec4<f32>>;
@group(0) @binding(7)  var<storage, read_write> moments: array<f32>;
@group(0) @binding(8)  var<storage, read_write> out: array<f32>; // no vec4s: rows that share one belong to different workgroups
@group(0) @binding(9)  var<storage, read_write> scale_grad: array<f32>;
@group(0) @binding(10) var<storage, read_write> shift_grad: array<f32>;
@group(0) @binding(11) var<storage, read_write> curvature: array<f32>;
@group(0) @binding(12) var<uniform>             params: Params;

alias Sum = vec4<f32>;
//include reduce

/// A channel of a sample: the index of its first value, the vec4 with that value, and the vec4 after the one with its last value.
struct Row { start: u32, first: u32, end: u32 }

fn row_of(group: u32, sample: u32, channel: u32) -> Row {
  let start = ((group * params.samples + sample) * params.channels + channel) * params.positions;
  return Row(start, start / 4u, (start + params.positions + 3u) / 4u);
}

/// Which values of a vec4 are in the row. The indices of values before it wrap to large numbers.
fn inside(row: Row, at: u32) -> vec4<bool> {
  return at * 4u + vec4<u32>(0u, 1u, 2u, 3u) - row.start < vec4<u32>(params.positions);
}

/// The values that are in the row; 0 for the others.
fn kept(values: vec4<f32>, is_inside: vec4<bool>) -> vec4<f32> {
  return select(vec4<f32>(0.0), values, is_inside);
}

fn total(values: vec4<f32>) -> f32 {
  return dot(values, vec4<f32>(1.0));
}

// Mean and biased variance of a channel in a group, in two passes. The second one corrects the rounding error of the mean.
fn moments_of(group: u32, channel: u32, lane: u32) -> vec2<f32> {
  let count = f32(params.samples * params.positions);
  var sum = vec4<f32>(0.0);
  for (var n = 0u; n < params.samples; n++) {
    let row = row_of(group, n, channel);
    for (var first = row.first + lane; first < row.end; first += WG * BLOCK) {
      let last = min(first + WG * BLOCK, row.end);
      var few = vec4<f32>(0.0);
      for (var q = first; q < last; q += 2u * WG) {
        //for k in 0..2 {
        few += kept(x[q + $(k)u * WG], inside(row, q + $(k)u * WG));
        //}
      }
      sum += few;
    }
  }
  let mean = total(reduce(sum, lane)) / count;
  var squares = vec4<f32>(0.0); // of x − mean
  var rests = vec4<f32>(0.0); // x − mean
  for (var n = 0u; n < params.samples; n++) {
    let row = row_of(group, n, channel);
    for (var first = row.first + lane; first < row.end; first += WG * BLOCK) {
      let last = min(first + WG * BLOCK, row.end);
      var few_squares = vec4<f32>(0.0);
      var few_rests = vec4<f32>(0.0);
      for (var q = first; q < last; q += 2u * WG) {
        //for k in 0..2 {
        let rest$k = kept(x[q + $(k)u * WG] - mean, inside(row, q + $(k)u * WG));
        few_squares += rest$k * rest$k;
        few_rests += rest$k;
        //}
      }
      squares += few_squares;
      rests += few_rests;
    }
  }
  let sums = reduce(vec4<f32>(total(squares), total(rests), 0.0, 0.0), lane).xy / count;
  return vec2<f32>(mean + sums.y, max(sums.x - sums.y * sums.y, 0.0));
}

fn leaky(t: vec4<f32>) -> vec4<f32> {
  return select(params.alpha * t, t, t > vec4<f32>(0.0));
}

// k, by the sign of the forward pass's result y.
fn slope(at: u32) -> vec4<f32> {
  return select(vec4<f32>(params.alpha), vec4<f32>(1.0), y[at] > vec4<f32>(0.0));
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
    let row = row_of(id.y, n, channel);
    for (var q = row.first + lane; q < row.end; q += WG) {
      let values = leaky((x[q] - stats.x) * s * scale + shift);
      let is_inside = inside(row, q);
      //for e in 0..4 {
      if (is_inside[$e]) { out[q * 4u + $(e)u] = values[$e]; }
      //}
    }
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
    var kg_sum = vec4<f32>(0.0); // Σ k·g
    var product = vec4<f32>(0.0); // Σ k·g·x̂
    for (var n = 0u; n < params.samples; n++) {
      let row = row_of(group, n, channel);
      for (var first = row.first + lane; first < row.end; first += WG * BLOCK) {
        let last = min(first + WG * BLOCK, row.end);
        var few = vec4<f32>(0.0);
        var few_products = vec4<f32>(0.0);
        for (var q = first; q < last; q += WG) {
          let is_inside = inside(row, q);
          let kg = g[q] * slope(q);
          few += kept(kg, is_inside);
          few_products += kept(kg * ((x[q] - mean) * s), is_inside);
        }
        kg_sum += few;
        product += few_products;
      }
    }
    let sums = reduce(vec4<f32>(total(kg_sum), total(product), 0.0, 0.0), lane).xy;
    all += sums;
    let means = sums / count;
    for (var n = 0u; n < params.samples; n++) {
      let row = row_of(group, n, channel);
      for (var q = row.first + lane; q < row.end; q += WG) {
        let x_hat = (x[q] - mean) * s;
        let values = scale * s * (g[q] * slope(q) - means.x - x_hat * means.y);
        let is_inside = inside(row, q);
        //for e in 0..4 {
        if (is_inside[$e]) { out[q * 4u + $(e)u] = values[$e]; }
        //}
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
    var product = vec4<f32>(0.0); // Σ k·g·v
    for (var n = 0u; n < params.samples; n++) {
      let row = row_of(group, n, channel);
      for (var first = row.first + lane; first < row.end; first += WG * BLOCK) {
        let last = min(first + WG * BLOCK, row.end);
        var few_v = vec4<f32>(0.0);
        var few_vx = vec4<f32>(0.0);
        var few_kg = vec4<f32>(0.0);
        var few_kgx = vec4<f32>(0.0);
        var few_kgv = vec4<f32>(0.0);
        for (var q = first; q < last; q += WG) {
          let is_inside = inside(row, q);
          let x_hat = (x[q] - stats.x) * s;
          let kg = g[q] * slope(q);
          let v_here = v[q];
          few_v += kept(v_here, is_inside);
          few_vx += kept(v_here * x_hat, is_inside);
          few_kg += kept(kg, is_inside);
          few_kgx += kept(kg * x_hat, is_inside);
          few_kgv += kept(kg * v_here, is_inside);
        }
        linear += vec4<f32>(total(few_v), total(few_vx), total(few_kg), total(few_kgx));
        product += few_kgv;
      }
    }
    linear = reduce(linear, lane) / count;
    let mean_product = total(reduce(product, lane)) / count;
    let along = mean_product - linear.z * linear.x - linear.y * linear.w; // mean k·g·P[v]/s
    all += count * s * along;
    let parallel = along - 2.0 * linear.y * linear.w;
    for (var n = 0u; n < params.samples; n++) {
      let row = row_of(group, n, channel);
      for (var q = row.first + lane; q < row.end; q += WG) {
        let x_hat = (x[q] - stats.x) * s;
        let k = slope(q);
        let v_rest = v[q] - linear.x;
        let tangents = k * scale * s * (v_rest - x_hat * linear.y);
        let curvatures = -s * s * scale * (linear.y * (g[q] * k - linear.z) + linear.w * v_rest + x_hat * parallel);
        let is_inside = inside(row, q);
        //for e in 0..4 {
        if (is_inside[$e]) {
          out[q * 4u + $(e)u] = tangents[$e];
          curvature[q * 4u + $(e)u] = curvatures[$e];
        }
        //}
      }
    }
  }
  if (lane == 0u) { scale_grad[channel] = all; }
}
