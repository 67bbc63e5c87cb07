// conv2d_quad_swap: conv2d for adapters whose subgroups have four lanes. Template: OB output channels per lane, for four blocks of PH x PW
// pixels. y[n,o,i,j] = b[o] + Σ_{c,u,v} x[n,c,i+u,j+v]·w[o,c,u,v], 3x3, valid; TRANSPOSED and LEAKY as in conv2d. A workgroup is one subgroup.
// A lane reads the weights of its own OB channels and the window of one block of pixels. The lanes then swap windows: by swap s a lane
// receives that of lane ^ s, and computes its own channels there. So (PH+2)(PW+2) + 9·OB loads serve 36·OB·PH·PW multiply-adds. A load costs
// SwiftShader as much as 13 to 20 multiply-adds, a swap less than one.
enable subgroups;
//let OB = 4
//let PH = 4
//let PW = 4
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

//include quad_swap

//include finish

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let item = group.x * 4u + lane;
  let j = item % params.blocks_x * $(PW)u;
  let i = item / params.blocks_x * $(PH)u;
  let o = group.y % params.blocks_o * $(4*OB)u + lane;
  let n = group.y / params.blocks_o;

  // Channels beyond c_out repeat the last one; their sums are not stored.
  //for a in 0..OB {
  let o$a = min(o + $(4*a)u, params.c_out - 1u);
  var w$a = select(o$a * params.c_in, o$a, TRANSPOSED) * 9u;
  //for s in 0..4 {
  //for p in 0..PH {
  //for q in 0..PW {
  var s$a_$s_$p_$q = 0.0;
  //}
  //}
  //}
  //}
  let w_step = select(9u, params.c_out * 9u, TRANSPOSED);
  let plane = params.h_in * params.w_in;
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
  var at = n * params.c_in * plane;
  for (var c = 0u; c < params.c_in; c++) {
    //for p in 0..PH+2 {
    //for q in 0..PW+2 {
    let own$p_$q = select(0.0, x[at + row$p + column$q], has_row$p & has_column$q);
    //}
    //}
    //for a in 0..OB {
    //for u in 0..3 {
    //for v in 0..3 {
    let k$a_$u$v = w[w$a + select($(u)u * 3u + $(v)u, 8u - $(u)u * 3u - $(v)u, TRANSPOSED)];
    //}
    //}
    w$a += w_step;
    //}
    //for s in 0..4 {
    {
      //for p in 0..PH+2 {
      //for q in 0..PW+2 {
      let x$p_$q = swapped_$s(own$p_$q);
      //}
      //}
      //for a in 0..OB {
      //for p in 0..PH {
      //for q in 0..PW {
      s$a_$s_$p_$q += k$(a)_00 * x$(p)_$(q) + k$(a)_01 * x$(p)_$(q+1) + k$(a)_02 * x$(p)_$(q+2)
        + k$(a)_10 * x$(p+1)_$(q) + k$(a)_11 * x$(p+1)_$(q+1) + k$(a)_12 * x$(p+1)_$(q+2)
        + k$(a)_20 * x$(p+2)_$(q) + k$(a)_21 * x$(p+2)_$(q+1) + k$(a)_22 * x$(p+2)_$(q+2);
      //}
      //}
      //}
    }
    //}
    at += plane;
  }

  //for a in 0..OB {
  if (o + $(4*a)u < params.c_out) {
    var bias$a = 0.0;
    if (BIAS) { bias$a = b[o$a]; }
    let out$a = (n * params.c_out + o$a) * params.h_out;
    //for s in 0..4 {
    {
      let other = group.x * 4u + (lane ^ $(s)u);
      let to_j = other % params.blocks_x * $(PW)u;
      let to_i = other / params.blocks_x * $(PH)u;
      //for p in 0..PH {
      //for q in 0..PW {
      if (to_i + $(p)u < params.h_out && to_j + $(q)u < params.w_out) {
        y[(out$a + to_i + $(p)u) * params.w_out + to_j + $(q)u] = finish(s$a_$s_$p_$q, bias$a);
      }
      //}
      //}
    }
    //}
  }
  //}
}
