// norm_leaky: batch norm with LeakyReLU and its derivatives; formulas in autodiff/ops/fused.ts.
//   statistics  m = moments of x alone: mean and biased variance
//   forward     m = moments of x, y = LeakyReLU(γ·x̂ + β); in the others k = 1 where y > 0, else α
//   backward    h = γ·P[k·g], Σ k·g·x̂, Σ k·g
//   second      ∂⟨v,h⟩/∂g, ∂⟨v,h⟩/∂x, ∂⟨v,h⟩/∂γ; its moments are computed again, for WebGPU binds 8 buffers and this has 8 others
// One workgroup per channel (statistics, forward: per channel and group) sums over its rows and then writes them, so that a pass is one dispatch
// and the rows are still in the cache. Lanes read quads, four neighbouring values by one address, which is cheaper on software adapters. What
// a row's first and last quad have of the rows beside it counts as 0. A lane adds blocks of BLOCK quads: short sums round less. Fixed order:
// deterministic. The moments take two steps a turn, which itself costs what a load does there.
override WG: u32 = 256u;
const BLOCK = 16u;
const_assert BLOCK % 2u == 0u; // the moments' two steps are of one block
struct Params { channels: u32, positions: u32, samples: u32, groups: u32, eps: f32, alpha: f32 } // samples per group
@group(0) @binding(0)  var<storage, read>       v: array<vec4<f32>>;
@group(0) @binding(1)  var<storage, read>       g: array<vec4<f32>>;
@group(0) @binding(2)  var<storage, read>       x: array<vec4<f32>>;
@group(0) @binding(3)  var<storage, read>       m: array<f32>;
@group(0) @binding(4)  var<storage, read>       gamma: array<f32>;
@group(0) @binding(5)  var<storage, read>       beta: array<f32>;
@group(0) @binding(6)  var<storage, read>       y: array<vec4<f32>>;
@group(0) @binding(7)  var<storage, read_write> moments: array<f32>;
@group(0) @binding(8)  var<storage, read_write> out: array<f32>; // by values: rows that meet in a quad have different workgroups
@group(0) @binding(9)  var<storage, read_write> scale_grad: array<f32>;
@group(0) @binding(10) var<storage, read_write> shift_grad: array<f32>;
@group(0) @binding(11) var<storage, read_write> curvature: array<f32>;
@group(0) @binding(12) var<uniform>             params: Params;

alias Sum = vec4<f32>;
//include reduce

/// A channel of a sample: where its values start, the quad of the first one, and the quad after the last one's.
struct Row { start: u32, first: u32, end: u32 }

fn row_of(group: u32, sample: u32, channel: u32) -> Row {
  let start = ((group * params.samples + sample) * params.channels + channel) * params.positions;
  return Row(start, start / 4u, (start + params.positions + 3u) / 4u);
}

/// Which values of a quad are of the row. What lies before wraps to large numbers.
fn inside(row: Row, quad: u32) -> vec4<bool> {
  return quad * 4u + vec4<u32>(0u, 1u, 2u, 3u) - row.start < vec4<u32>(params.positions);
}

/// The values that are of the row, else 0.
fn kept(values: vec4<f32>, is_inside: vec4<bool>) -> vec4<f32> {
  return select(vec4<f32>(0.0), values, is_inside);
}

fn total(values: vec4<f32>) -> f32 {
  return dot(values, vec4<f32>(1.0));
}

// Mean and biased variance of a channel in a group, in two passes; what rounding left in the mean is corrected for.
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

// k, where y is what became of the value by LeakyReLU.
fn slope(quad: u32) -> vec4<f32> {
  return select(vec4<f32>(params.alpha), vec4<f32>(1.0), y[quad] > vec4<f32>(0.0));
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
