// winograd: conv2d by F(2x2, 3x3): y = Aᵀ[(G w Gᵀ) ⊙ (Bᵀ x B)]A per 2x2 tile of results, 16 products for 4 results instead of 36.
// Four dispatches: weights to u [16,c,o], image to v [16,c,t], m[e] = u[e]ᵀ·v[e] [16,o,t], m to y; t runs over samples and tiles.
// TRANSPOSED (the input gradient) and LEAKY as in conv2d.  Lavin & Gray 2016, section 4.1.
override WG: u32 = 64u;
override TRANSPOSED: bool = false;
override BIAS: bool = false;
override LEAKY: bool = false;
//let RO = 8
struct Params {
  //include conv_sizes
  tiles_x: u32, tiles: u32, samples: u32, slope: f32,
}
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read>       w: array<f32>;
@group(0) @binding(2) var<storage, read>       b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform>             params: Params;

// u = G w Gᵀ; a thread per pair of channels.
@compute @workgroup_size(WG)
fn weights(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let pair = (group.y * groups.x + group.x) * WG + lane;
  let pairs = params.c_in * params.c_out;
  if (pair >= pairs) { return; }
  let o = pair % params.c_out;
  let c = pair / params.c_out;
  let at = select(o * params.c_in + c, c * params.c_out + o, TRANSPOSED) * 9u;
  //for v in 0..3 {
  let k0$v = w[at + select($(v)u, 8u - $(v)u, TRANSPOSED)];
  let k1$v = w[at + select($(v)u + 3u, 5u - $(v)u, TRANSPOSED)];
  let k2$v = w[at + select($(v)u + 6u, 2u - $(v)u, TRANSPOSED)];
  let g0$v = k0$v;
  let g1$v = 0.5 * (k0$v + k1$v + k2$v);
  let g2$v = 0.5 * (k0$v - k1$v + k2$v);
  let g3$v = k2$v;
  //}
  //for u in 0..4 {
  y[$(u*4)u * pairs + pair] = g$(u)0;
  y[$(u*4+1)u * pairs + pair] = 0.5 * (g$(u)0 + g$(u)1 + g$(u)2);
  y[$(u*4+2)u * pairs + pair] = 0.5 * (g$(u)0 - g$(u)1 + g$(u)2);
  y[$(u*4+3)u * pairs + pair] = g$(u)2;
  //}
}

// v = Bᵀ x B; a thread per tile and channel, workgroups by (sample, channel).
@compute @workgroup_size(WG)
fn image(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let tile = group.x * WG + lane;
  if (tile >= params.tiles) { return; }
  let pad = select(0u, 2u, TRANSPOSED);
  let i = tile / params.tiles_x * 2u - pad;
  let j = tile % params.tiles_x * 2u - pad;
  let plane = group.y * params.h_in * params.w_in;
  //for p in 0..4 {
  //for q in 0..4 {
  // 0 outside the image: a negative index wraps to a large one.
  let x$p$q = select(0.0, x[plane + (i + $(p)u) * params.w_in + j + $(q)u], (i + $(p)u < params.h_in) & (j + $(q)u < params.w_in));
  //}
  //}
  //for q in 0..4 {
  let d0$q = x0$q - x2$q;
  let d1$q = x1$q + x2$q;
  let d2$q = x2$q - x1$q;
  let d3$q = x1$q - x3$q;
  //}
  let columns = params.samples * params.tiles;
  let step = params.c_in * columns;
  let at = group.y % params.c_in * columns + group.y / params.c_in * params.tiles + tile;
  //for p in 0..4 {
  y[at + $(p*4)u * step] = d$(p)0 - d$(p)2;
  y[at + $(p*4+1)u * step] = d$(p)1 + d$(p)2;
  y[at + $(p*4+2)u * step] = d$(p)2 - d$(p)1;
  y[at + $(p*4+3)u * step] = d$(p)1 - d$(p)3;
  //}
}

// m[e] = u[e]ᵀ·v[e] with x = v, w = u: 64 threads make a tile of 8·RO channels x 64 columns, RO x 8 each, STEP channels at a time.
const STEP = 8u;
const ROWS4 = $(2*RO)u; // vec4s of output channels per tile
const COLUMNS4 = 16u;
var<workgroup> tile_u: array<vec4<f32>, $(16*RO)>; // [STEP, ROWS4]
var<workgroup> tile_v: array<vec4<f32>, 128>; // [STEP, COLUMNS4]

@compute @workgroup_size(64)
fn multiply(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let columns = params.samples * params.tiles;
  let blocks_o = (params.c_out + 4u * ROWS4 - 1u) / (4u * ROWS4);
  let o = group.y % blocks_o * 4u * ROWS4;
  let e = group.y / blocks_o;
  let t = group.x * 4u * COLUMNS4;
  let my_row = lane / 8u;
  let my_column = lane % 8u;
  //for a in 0..RO {
  var s$(a)_0 = vec4(0.0);
  var s$(a)_1 = vec4(0.0);
  //}
  for (var c = 0u; c < params.c_in; c += STEP) {
    workgroupBarrier();
    for (var k = lane; k < STEP * ROWS4; k += 64u) {
      let from_c = c + k / ROWS4;
      let row = e * params.c_in * params.c_out + min(from_c, params.c_in - 1u) * params.c_out;
      let from_o = o + k % ROWS4 * 4u;
      let last = params.c_out - 1u;
      // Channels beyond c_out repeat the last one and are not stored; those beyond c_in count as 0.
      let four = vec4(w[row + min(from_o, last)], w[row + min(from_o + 1u, last)], w[row + min(from_o + 2u, last)], w[row + min(from_o + 3u, last)]);
      tile_u[k] = select(vec4(0.0), four, from_c < params.c_in);
    }
    for (var k = lane; k < STEP * COLUMNS4; k += 64u) {
      let from_c = min(c + k / COLUMNS4, params.c_in - 1u);
      let row = (e * params.c_in + from_c) * columns;
      let from_t = t + k % COLUMNS4 * 4u;
      let last = columns - 1u;
      tile_v[k] = vec4(x[row + min(from_t, last)], x[row + min(from_t + 1u, last)], x[row + min(from_t + 2u, last)], x[row + min(from_t + 3u, last)]);
    }
    workgroupBarrier();
    for (var k = 0u; k < STEP; k++) {
      let v0 = tile_v[k * COLUMNS4 + my_column];
      let v1 = tile_v[k * COLUMNS4 + 8u + my_column];
      //for h in 0..RO/4 {
      let u$h = tile_u[k * ROWS4 + $(h*8)u + my_row];
      //for a in 0..4 {
      s$(h*4+a)_0 += u$h[$(a)] * v0;
      s$(h*4+a)_1 += u$h[$(a)] * v1;
      //}
      //}
    }
  }
  //for h in 0..RO/4 {
  //for a in 0..4 {
  {
    let to_o = o + ($(h*8)u + my_row) * 4u + $(a)u;
    if (to_o < params.c_out) {
      let row = (e * params.c_out + to_o) * columns;
      let to_t = t + my_column * 4u;
      //for q in 0..4 {
      if (to_t + $(q)u < columns) { y[row + to_t + $(q)u] = s$(h*4+a)_0[$(q)]; }
      if (to_t + $(q+32)u < columns) { y[row + to_t + $(q+32)u] = s$(h*4+a)_1[$(q)]; }
      //}
    }
  }
  //}
  //}
}

//include finish

// y = Aᵀ m A; a thread per tile and channel, workgroups by (sample, channel).
@compute @workgroup_size(WG)
fn result(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let tile = group.x * WG + lane;
  if (tile >= params.tiles) { return; }
  let o = group.y % params.c_out;
  let n = group.y / params.c_out;
  let columns = params.samples * params.tiles;
  let step = params.c_out * columns;
  let at = o * columns + n * params.tiles + tile;
  //for p in 0..4 {
  let m$(p)0 = x[at + $(p*4)u * step];
  let m$(p)1 = x[at + $(p*4+1)u * step];
  let m$(p)2 = x[at + $(p*4+2)u * step];
  let m$(p)3 = x[at + $(p*4+3)u * step];
  let r$(p)0 = m$(p)0 + m$(p)1 + m$(p)2;
  let r$(p)1 = m$(p)1 - m$(p)2 - m$(p)3;
  //}
  var bias = 0.0;
  if (BIAS) { bias = b[o]; }
  let i = tile / params.tiles_x * 2u;
  let j = tile % params.tiles_x * 2u;
  let to = (group.y * params.h_out + i) * params.w_out + j;
  //for q in 0..2 {
  if (j + $(q)u < params.w_out) {
    y[to + $(q)u] = finish(r0$q + r1$q + r2$q, bias);
    if (i + 1u < params.h_out) { y[to + params.w_out + $(q)u] = finish(r1$q - r2$q - r3$q, bias); }
  }
  //}
}
