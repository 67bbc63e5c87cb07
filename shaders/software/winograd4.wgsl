// winograd4: the transforms of F(4x4, 3x3): y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ x B)]A per 4x4 tile of results, 36 products for 16 results instead of 144.
// Between them quad_product.wgsl multiplies and adds over channels. The weights' gradient is the transposed form,
// dw = Gᵀ[(A g Aᵀ) ⊙ (Bᵀ x B)]G, summed over tiles. Matrices by Toom and Cook for the points 0, ±P, ±Q, ∞; with ±3/4, ±3/2 A and B are exact in binary,
// and rounding errors are half of those of the usual ±1, ±2.  Lavin & Gray 2016; Barabasz et al. 2020 on the choice of points.
// The 36 of [36, …] are the values of a 6x6 tile. t runs over the tiles of all samples; one dispatch computes `first` ≤ t < `end`.
// TRANSPOSED (the input gradient) and LEAKY as in conv2d. With OVER_TILES, for the weights' gradient, products are summed over tiles, and
// factors are [36,t,channels]; else products are summed over channels, and factors are [36,channels,t]. The last index is the line; the one
// before it is the depth, over which products are summed; see offset_of().
override WG: u32 = 64u;
override TRANSPOSED: bool = false;
override OVER_TILES: bool = false;
override BIAS: bool = false;
override LEAKY: bool = false;
struct Params {
  //include conv_sizes
  slope: f32,
  tiles_x: u32, tiles: u32, first: u32, end: u32, // tiles of a row, tiles of a sample, and the range of this dispatch
  product: u32, panel: u32, panel_step: u32, chunks: u32, // of the matrix
}
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read>       b: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform>             params: Params;

const P = 0.75;
const Q = 1.5;
const P2 = P * P;
const Q2 = Q * Q;
// The factors of Lagrange's polynomials: one over the product of differences to the other points, for 0, ±P, ±Q.
const FACTOR_0 = 1.0 / (P2 * Q2);
const FACTOR_P = 1.0 / (2.0 * P2 * (P2 - Q2));
const FACTOR_Q = 1.0 / (2.0 * Q2 * (Q2 - P2));

/// The offset of a matrix's entry. Panels of lines follow each other; within a panel, the lines of one depth lie together.
fn offset_of(line: u32, depth: u32) -> u32 {
  return line / params.panel * params.panel_step + depth * params.panel + line % params.panel;
}

/// What a thread of a transform works on: tile t, and one channel of its sample.
struct Item { t: u32, channel: u32 }

/// Neighbouring threads have neighbouring lines: those of tiles, with a channel per group.y, or those of channels.
fn item_of(group: vec3<u32>, groups: vec3<u32>, lane: u32, channels: u32) -> Item {
  if (!OVER_TILES) { return Item(params.first + group.x * WG + lane, group.y); }
  let thread = (group.y * groups.x + group.x) * WG + lane;
  return Item(params.first + thread / channels, thread % channels);
}

fn offset_of_item(item: Item) -> u32 {
  let tile = item.t - params.first;
  if (OVER_TILES) { return offset_of(item.channel, tile); }
  return offset_of(tile, item.channel);
}

/// Bᵀ: the polynomials that vanish at all points but one.
fn image_line(x: array<f32, 6>) -> array<f32, 6> {
  let even_p = x[4] - Q2 * x[2];
  let odd_p = P * (x[3] - Q2 * x[1]);
  let even_q = x[4] - P2 * x[2];
  let odd_q = Q * (x[3] - P2 * x[1]);
  return array(
    x[4] - (P2 + Q2) * x[2] + P2 * Q2 * x[0], even_p + odd_p, even_p - odd_p, even_q + odd_q, even_q - odd_q,
    x[5] - (P2 + Q2) * x[3] + P2 * Q2 * x[1]);
}

/// G: three weights as the values of a polynomial.
fn weight_line(w: array<f32, 3>) -> array<f32, 6> {
  let even_p = FACTOR_P * (w[0] + P2 * w[2]);
  let odd_p = FACTOR_P * P * w[1];
  let even_q = FACTOR_Q * (w[0] + Q2 * w[2]);
  let odd_q = FACTOR_Q * Q * w[1];
  return array(FACTOR_0 * w[0], even_p + odd_p, even_p - odd_p, even_q + odd_q, even_q - odd_q, w[2]);
}

/// Gᵀ.
fn weight_gradient_line(m: array<f32, 6>) -> array<f32, 3> {
  let even_p = FACTOR_P * (m[1] + m[2]);
  let odd_p = FACTOR_P * (m[1] - m[2]);
  let even_q = FACTOR_Q * (m[3] + m[4]);
  let odd_q = FACTOR_Q * (m[3] - m[4]);
  return array(FACTOR_0 * m[0] + even_p + even_q, P * odd_p + Q * odd_q, P2 * even_p + Q2 * even_q + m[5]);
}

/// Aᵀ.
fn result_line(m: array<f32, 6>) -> array<f32, 4> {
  let even_p = m[1] + m[2];
  let odd_p = P * (m[1] - m[2]);
  let even_q = m[3] + m[4];
  let odd_q = Q * (m[3] - m[4]);
  return array(m[0] + even_p + even_q, odd_p + odd_q, P2 * even_p + Q2 * even_q, P2 * odd_p + Q2 * odd_q + m[5]);
}

/// A: the values at all points of a polynomial with four coefficients.
fn gradient_line(g: array<f32, 4>) -> array<f32, 6> {
  let even_p = g[0] + P2 * g[2];
  let odd_p = P * (g[1] + P2 * g[3]);
  let even_q = g[0] + Q2 * g[2];
  let odd_q = Q * (g[1] + Q2 * g[3]);
  return array(g[0], even_p + odd_p, even_p - odd_p, even_q + odd_q, even_q - odd_q, g[3]);
}

// Weights x = w [o,c,3,3] to u [36,c,o]; a thread per pair of channels. All transforms copy `product` to a variable, because even a
// load of a uniform takes a third of the time of a load from a buffer.
@compute @workgroup_size(WG)
fn weights(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let pair = (group.y * groups.x + group.x) * WG + lane;
  let pairs = params.c_in * params.c_out;
  if (pair >= pairs) { return; }
  let o = pair % params.c_out;
  let c = pair / params.c_out;
  let at = select(o * params.c_in + c, c * params.c_out + o, TRANSPOSED) * 9u;
  //for v in 0..3 {
  let column$v = weight_line(array(
    x[at + select($(v)u, 8u - $(v)u, TRANSPOSED)], x[at + select($(v)u + 3u, 5u - $(v)u, TRANSPOSED)], x[at + select($(v)u + 6u, 2u - $(v)u, TRANSPOSED)]));
  //}
  let to = offset_of(o, c);
  let product = params.product;
  //for p in 0..6 {
  {
    let row = weight_line(array(column0[$(p)], column1[$(p)], column2[$(p)]));
    //for q in 0..6 {
    y[to + $(p*6+q)u * product] = row[$(q)];
    //}
  }
  //}
}

// Image x [n,c_in,h_in,w_in] to v; a thread per tile and channel.
@compute @workgroup_size(WG)
fn image(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(group, groups, lane, params.c_in);
  if (item.t >= params.end) { return; }
  let sample = item.t / params.tiles;
  let tile = item.t % params.tiles;
  let pad = select(0u, 2u, TRANSPOSED);
  let i = tile / params.tiles_x * 4u - pad;
  let j = tile % params.tiles_x * 4u - pad;
  let plane = (sample * params.c_in + item.channel) * params.h_in;
  // With TRANSPOSED, 0 outside the image (a negative index wraps to a large one). Else rows and columns beyond the image repeat the last one:
  // except for rounding, only results that are not stored depend on them.
  //for p in 0..6 {
  let has_row$p = !TRANSPOSED || i + $(p)u < params.h_in;
  let has_column$p = !TRANSPOSED || j + $(p)u < params.w_in;
  let row$p = (plane + min(i + $(p)u, params.h_in - 1u)) * params.w_in;
  let from$p = min(j + $(p)u, params.w_in - 1u);
  //}
  //for q in 0..6 {
  let column$q = image_line(array(
    //for p in 0..6 {
    select(0.0, x[row$p + from$q], has_row$p & has_column$q),
    //}
  ));
  //}
  let to = offset_of_item(item);
  let product = params.product;
  //for p in 0..6 {
  {
    let line = image_line(array(column0[$(p)], column1[$(p)], column2[$(p)], column3[$(p)], column4[$(p)], column5[$(p)]));
    //for q in 0..6 {
    y[to + $(p*6+q)u * product] = line[$(q)];
    //}
  }
  //}
}

// Gradient x [n,c_out,h_out,w_out] of the result to z; threads as above.
@compute @workgroup_size(WG)
fn gradient(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(group, groups, lane, params.c_out);
  if (item.t >= params.end) { return; }
  let sample = item.t / params.tiles;
  let tile = item.t % params.tiles;
  let i = tile / params.tiles_x * 4u;
  let j = tile % params.tiles_x * 4u;
  let at = (sample * params.c_out + item.channel) * params.h_out * params.w_out + i * params.w_out + j;
  //for p in 0..4 {
  let has_row$p = i + $(p)u < params.h_out;
  let has_column$p = j + $(p)u < params.w_out;
  //}
  //for q in 0..4 {
  let column$q = gradient_line(array(
    //for p in 0..4 {
    select(0.0, x[at + $(p)u * params.w_out + $(q)u], has_row$p & has_column$q),
    //}
  ));
  //}
  let to = offset_of_item(item);
  let product = params.product;
  //for p in 0..6 {
  {
    let row = gradient_line(array(column0[$(p)], column1[$(p)], column2[$(p)], column3[$(p)]));
    //for q in 0..6 {
    y[to + $(p*6+q)u * product] = row[$(q)];
    //}
  }
  //}
}

//include finish

// Products x [36,o,t] to results [n,c_out,h_out,w_out]; threads as above.
@compute @workgroup_size(WG)
fn result(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let item = item_of(group, groups, lane, params.c_out);
  if (item.t >= params.end) { return; }
  let sample = item.t / params.tiles;
  let tile = item.t % params.tiles;
  let at = offset_of_item(item);
  let product = params.product;
  //for q in 0..6 {
  let column$q = result_line(array(
    //for p in 0..6 {
    x[at + $(p*6+q)u * product],
    //}
  ));
  //}
  var bias = 0.0;
  if (BIAS) { bias = b[item.channel]; }
  let i = tile / params.tiles_x * 4u;
  let j = tile % params.tiles_x * 4u;
  let to = ((sample * params.c_out + item.channel) * params.h_out + i) * params.w_out + j;
  //for p in 0..4 {
  if (i + $(p)u < params.h_out) {
    let row = result_line(array(column0[$(p)], column1[$(p)], column2[$(p)], column3[$(p)], column4[$(p)], column5[$(p)]));
    //for q in 0..4 {
    if (j + $(q)u < params.w_out) { y[to + $(p)u * params.w_out + $(q)u] = finish(row[$(q)], bias); }
    //}
  }
  //}
}

// Products x [chunks,36,c,o], one sum per chunk of the tiles, to dw [o,c,3,3]; a thread per pair of channels.
@compute @workgroup_size(WG)
fn weight_gradient(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let pair = (group.y * groups.x + group.x) * WG + lane;
  let pairs = params.c_in * params.c_out;
  if (pair >= pairs) { return; }
  let product = params.product;
  var at = offset_of(pair / params.c_in, pair % params.c_in);
  //for e in 0..36 {
  var m$e = 0.0;
  //}
  for (var chunk = 0u; chunk < params.chunks; chunk++) {
    //for e in 0..36 {
    m$e += x[at + $(e)u * product];
    //}
    at += 36u * product;
  }
  //for q in 0..6 {
  let column$q = weight_gradient_line(array(m$q, m$(6+q), m$(12+q), m$(18+q), m$(24+q), m$(30+q)));
  //}
  //for u in 0..3 {
  {
    let row = weight_gradient_line(array(column0[$(u)], column1[$(u)], column2[$(u)], column3[$(u)], column4[$(u)], column5[$(u)]));
    //for v in 0..3 {
    y[pair * 9u + $(u*3+v)u] = row[$(v)];
    //}
  }
  //}
}
