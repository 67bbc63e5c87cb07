// conv2d: y[n,o,i,j] = b[o] + Σ_{c,u,v} x[n,c,i+u,j+v]·w[o,c,u,v], 3x3, valid. Template: OB channels x PH x PW pixels per thread.
// TRANSPOSED is the input gradient: the same sum with weights w[c,o,2−u,2−v], and x padded by 2. With MASKED, x has no padding, and is read
// as 0 outside. LEAKY applies LeakyReLU to the result. The sums are scalars in registers: per input channel (PH+2)(PW+2) + 9·OB loads serve
// 9·OB·PH·PW multiply-adds. A workgroup has one block of channels, so that its weights are the same for all threads.
//let OB = 4
//let PH = 2
//let PW = 4
override WG: u32 = 64u;
override TRANSPOSED: bool = false;
override MASKED: bool = false;
override BIAS: bool = false;
override LEAKY: bool = false;
struct Params {
  //include conv_sizes
  blocks: u32, blocks_x: u32, blocks_o: u32, slope: f32,
}
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read>       w: array<f32>;
@group(0) @binding(2) var<storage, read>       b: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;
@group(0) @binding(4) var<uniform>             params: Params;

//include finish

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let item = group.x * WG + lane;
  if (item >= params.blocks) { return; }
  let j = item % params.blocks_x * $(PW)u;
  let i = item / params.blocks_x * $(PH)u;
  let o = group.y % params.blocks_o * $(OB)u;
  let n = group.y / params.blocks_o;

  //for a in 0..OB {
  // Channels beyond c_out repeat the last one; their sums are not stored.
  let o$a = min(o + $(a)u, params.c_out - 1u);
  var w$a = select(o$a * params.c_in, o$a, TRANSPOSED) * 9u;
  //for p in 0..PH {
  //for q in 0..PW {
  var s$a_$p_$q = 0.0;
  //}
  //}
  //}
  let w_step = select(9u, params.c_out * 9u, TRANSPOSED);
  let plane = params.h_in * params.w_in;
  // With MASKED, rows and columns outside the image count as 0 (a negative index wraps to a large one). Without, reads beyond the
  // image return any value of the buffer, and the sums with such values are not stored.
  let pad = select(0u, 2u, MASKED);
  //for p in 0..PH+2 {
  let has_row$p = !MASKED || i + $(p)u - pad < params.h_in;
  let row$p = (i + $(p)u - pad) * params.w_in;
  //}
  //for q in 0..PW+2 {
  let has_column$q = !MASKED || j + $(q)u - pad < params.w_in;
  let column$q = j + $(q)u - pad;
  //}
  var at = n * params.c_in * plane;
  for (var c = 0u; c < params.c_in; c++) {
    //for p in 0..PH+2 {
    //for q in 0..PW+2 {
    let x$p_$q = select(0.0, x[at + row$p + column$q], has_row$p & has_column$q);
    //}
    //}
    //for a in 0..OB {
    {
      //for u in 0..3 {
      //for v in 0..3 {
      let k$u$v = w[w$a + select($(u)u * 3u + $(v)u, 8u - $(u)u * 3u - $(v)u, TRANSPOSED)];
      //}
      //}
      // The nine products of a channel first, then the sum over channels: shorter chains, smaller rounding errors.
      //for p in 0..PH {
      //for q in 0..PW {
      s$a_$p_$q += k00 * x$(p)_$(q) + k01 * x$(p)_$(q+1) + k02 * x$(p)_$(q+2)
        + k10 * x$(p+1)_$(q) + k11 * x$(p+1)_$(q+1) + k12 * x$(p+1)_$(q+2)
        + k20 * x$(p+2)_$(q) + k21 * x$(p+2)_$(q+1) + k22 * x$(p+2)_$(q+2);
      //}
      //}
    }
    w$a += w_step;
    //}
    at += plane;
  }

  //for a in 0..OB {
  if (o + $(a)u < params.c_out) {
    var bias$a = 0.0;
    if (BIAS) { bias$a = b[o$a]; }
    let out$a = ((n * params.c_out + o$a) * params.h_out + i) * params.w_out + j;
    //for p in 0..PH {
    //for q in 0..PW {
    if (i + $(p)u < params.h_out && j + $(q)u < params.w_out) { y[out$a + $(p)u * params.w_out + $(q)u] = finish(s$a_$p_$q, bias$a); }
    //}
    //}
  }
  //}
}
