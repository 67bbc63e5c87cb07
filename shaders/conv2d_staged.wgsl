// conv2d_staged: conv2d with the weights in workgroup memory. Template: 4·QB output channels x PH x PW pixels per thread.
// y[n,o,i,j] = b[o] + Σ_{c,u,v} x[n,c,i+u,j+v]·w[o,c,u,v], 3x3, valid; TRANSPOSED and LEAKY as in conv2d. A workgroup has one block
// of output channels and copies its weights as vec4s of channels: with ONCE those of all input channels, before any sum is live; else those of
// `stage` input channels at a time, in a loop.
//let QB = 1
//let PH = 2
//let PW = 4
//let ONCE = 1
override WG: u32 = 64u;
override TRANSPOSED: bool = false;
override BIAS: bool = false;
override LEAKY: bool = false;
struct Params {
  //include conv_sizes
  blocks: u32, blocks_x: u32, blocks_o: u32, stage: u32, slope: f32,
}
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read>       w: array<f32>;
@group(0) @binding(2) var<storage, read>       b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform>             params: Params;

var<workgroup> weights: array<vec4<f32>, 1008>; // [stage, 3, 3, QB], 15.75 KiB

fn weight(o: u32, c: u32, tap: u32) -> f32 {
  let at = min(o, params.c_out - 1u); // channels beyond c_out repeat the last one; their sums are not stored
  return w[select(at * params.c_in + c, c * params.c_out + at, TRANSPOSED) * 9u + select(tap, 8u - tap, TRANSPOSED)];
}

fn copy_weights(o: u32, start: u32, count: u32, lane: u32) {
  for (var k = lane; k < count * $(9*QB)u; k += WG) {
    let q = o + k % $(QB)u * 4u;
    let tap = k / $(QB)u % 9u;
    let c = start + k / $(9*QB)u;
    weights[k] = vec4(weight(q, c, tap), weight(q + 1u, c, tap), weight(q + 2u, c, tap), weight(q + 3u, c, tap));
  }
}

//include finish

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let item = group.x * WG + lane;
  let o = group.y % params.blocks_o * $(4*QB)u;
  let n = group.y / params.blocks_o;
  let j = item % params.blocks_x * $(PW)u;
  let i = item / params.blocks_x * $(PH)u;
  //if ONCE {
  copy_weights(o, 0u, params.c_in, lane);
  workgroupBarrier();
  if (item >= params.blocks) { return; }
  //}

  //for a in 0..4*QB {
  //for p in 0..PH {
  //for q in 0..PW {
  var s$a_$p_$q = 0.0;
  //}
  //}
  //}
  // As in conv2d: outside the image 0 with TRANSPOSED, else any value, because the sums are not stored.
  let pad = select(0u, 2u, TRANSPOSED);
  //for p in 0..PH+2 {
  let has_row$p = !TRANSPOSED || i + $(p)u - pad < params.h_in;
  let row$p = (i + $(p)u - pad) * params.w_in;
  //}
  //for q in 0..PW+2 {
  let has_column$q = !TRANSPOSED || j + $(q)u - pad < params.w_in;
  let column$q = j + $(q)u - pad;
  //}
  var at = n * params.c_in * params.h_in * params.w_in;
  //if ONCE {
  let end = params.c_in;
  //include conv2d_staged_sums
  //} else {
  for (var start = 0u; start < params.c_in; start += params.stage) {
    let end = min(params.stage, params.c_in - start);
    workgroupBarrier();
    copy_weights(o, start, end, lane);
    workgroupBarrier();
    //include conv2d_staged_sums
  }
  if (item >= params.blocks) { return; }
  //}

  //for a in 0..4*QB {
  if (o + $(a)u < params.c_out) {
    var bias$a = 0.0;
    if (BIAS) { bias$a = b[o + $(a)u]; }
    let out$a = ((n * params.c_out + o + $(a)u) * params.h_out + i) * params.w_out + j;
    //for p in 0..PH {
    //for q in 0..PW {
    if (i + $(p)u < params.h_out && j + $(q)u < params.w_out) { y[out$a + $(p)u * params.w_out + $(q)u] = finish(s$a_$p_$q, bias$a); }
    //}
    //}
  }
  //}
}
