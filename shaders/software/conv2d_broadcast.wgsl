// conv2d_broadcast: conv2d with a subgroup as one unit: y[n,o,i,j] = b[o] + Σ_{c,u,v} x[n,c,i+u,j+v]·w[o,c,u,v], 3x3, valid; TRANSPOSED and
// LEAKY as in conv2d.wgsl. A workgroup is one subgroup of LANES lanes; a lane has one output channel at PH x PW pixels. Per input channel
// the lanes read a window of (PH+2)(PW+2) values together, a value each, and broadcast them. A broadcast costs llvmpipe as much as an addition,
// a load as much as fifty: (PH+2)(PW+2)/LANES + 9 loads serve 9·PH·PW multiply-adds.
enable subgroups;
//let LANES = 8
//let PH = 6
//let PW = 6
override TRANSPOSED: bool = false;
override BIAS: bool = false;
override LEAKY: bool = false;
struct Params {
  //include conv_sizes
  blocks_x: u32, blocks_o: u32, slope: f32,
}
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read>       w: array<f32>;
@group(0) @binding(2) var<storage, read>       b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform>             params: Params;

const LANES = $(LANES)u;
const WINDOW_H = $(PH+2)u;
const WINDOW_W = $(PW+2)u;

//include finish

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let j = group.x % params.blocks_x * $(PW)u;
  let i = group.x / params.blocks_x * $(PH)u;
  let o = group.y % params.blocks_o * LANES + lane;
  let n = group.y / params.blocks_o;
  // Lanes beyond c_out repeat the last channel; their sums are not stored.
  let o_in = min(o, params.c_out - 1u);

  // Which value of a plane of x this lane reads; the first where that is outside the image (a negative row or column wraps to a large one).
  let pad = select(0u, 2u, TRANSPOSED);
  //for k in 0..((PH+2)*(PW+2)+LANES-1)/LANES {
  let row$k = i + ($(k)u * LANES + lane) / WINDOW_W - pad;
  let column$k = j + ($(k)u * LANES + lane) % WINDOW_W - pad;
  let inside$k = row$k < params.h_in && column$k < params.w_in;
  let at$k = select(0u, row$k * params.w_in + column$k, inside$k);
  //}
  //for p in 0..PH {
  //for q in 0..PW {
  var s$p_$q = 0.0;
  //}
  //}
  var at_x = n * params.c_in * params.h_in * params.w_in;
  var at_w = select(o_in * params.c_in, o_in, TRANSPOSED) * 9u;
  let w_step = select(9u, params.c_out * 9u, TRANSPOSED);
  for (var c = 0u; c < params.c_in; c++) {
    //for k in 0..((PH+2)*(PW+2)+LANES-1)/LANES {
    let window$k = select(0.0, x[at_x + at$k], inside$k);
    //}
    //for u in 0..3 {
    //for v in 0..3 {
    let k$u$v = w[at_w + select($(u*3+v)u, 8u - $(u*3+v)u, TRANSPOSED)];
    //}
    //}
    //for p in 0..PH+2 {
    //for q in 0..PW+2 {
    let x$p_$q = subgroupBroadcast(window$((p*(PW+2)+q)/LANES), $((p*(PW+2)+q)%LANES)u);
    //}
    //}
    // The nine products of a channel first, then the sum over channels: shorter chains, smaller rounding errors.
    //for p in 0..PH {
    //for q in 0..PW {
    s$p_$q += k00 * x$(p)_$(q) + k01 * x$(p)_$(q+1) + k02 * x$(p)_$(q+2)
      + k10 * x$(p+1)_$(q) + k11 * x$(p+1)_$(q+1) + k12 * x$(p+1)_$(q+2)
      + k20 * x$(p+2)_$(q) + k21 * x$(p+2)_$(q+1) + k22 * x$(p+2)_$(q+2);
    //}
    //}
    at_x += params.h_in * params.w_in;
    at_w += w_step;
  }

  if (o < params.c_out) {
    var bias = 0.0;
    if (BIAS) { bias = b[o]; }
    let out = ((n * params.c_out + o) * params.h_out + i) * params.w_out + j;
    //for p in 0..PH {
    //for q in 0..PW {
    if (i + $(p)u < params.h_out && j + $(q)u < params.w_out) { y[out + $(p)u * params.w_out + $(q)u] = finish(s$p_$q, bias); }
    //}
    //}
  }
}
