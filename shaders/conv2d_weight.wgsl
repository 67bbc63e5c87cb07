// conv2d_weight: dw[o,c,u,v] = Σ_{n,i,j} g[n,o,i,j]·x[n,c,i+u,j+v], 3x3. Deterministic: no atomics, all sums in fixed order.
// A workgroup has OB output and CB input channels, and one of `chunks` parts of the picture, which is cut into strips of PW columns. A thread
// walks down every THREADS-th strip with three rows of x in registers, so that a row costs (PW+2)·CB + PW·OB loads for 9·OB·CB·PW
// multiply-adds. The threads' sums are added in workgroup memory, those of LANES threads at a time. chunk_sum.wgsl adds the chunks.
//let OB = 4
//let CB = 2
//let PW = 4
//let LANES = 8
//let ONCE = 1
//let THREADS = 8
//let SUMS = 576
struct Params { samples: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, c_in: u32, c_out: u32, chunks: u32, strips_x: u32, bands: u32, rows: u32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read>       g: array<f32>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>; // [chunks, c_out, c_in, 3, 3]
@group(0) @binding(3) var<uniform>             params: Params;

const ENTRIES = $(OB)u * $(CB)u * 9u;
const LANES = $(LANES)u;
const THREADS = $(THREADS)u; // with ONCE as many as LANES, else a multiple
var<workgroup> sums: array<f32, $(SUMS)>; // ENTRIES · LANES

@compute @workgroup_size($(THREADS))
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let blocks_c = (params.c_in + $(CB)u - 1u) / $(CB)u;
  let chunk = group.x;
  let c = group.y % blocks_c * $(CB)u;
  let o = group.y / blocks_c * $(OB)u;
  let plane_x = params.h_in * params.w_in;
  let plane_g = params.h_out * params.w_out;
  // Channels beyond the last one repeat it; their sums are not stored.
  //for b in 0..CB {
  let c$b = min(c + $(b)u, params.c_in - 1u) * plane_x;
  //}
  //for a in 0..OB {
  let o$a = min(o + $(a)u, params.c_out - 1u) * plane_g;
  //for b in 0..CB {
  //for u in 0..3 {
  //for v in 0..3 {
  var s$a_$b_$u$v = 0.0;
  //}
  //}
  //}
  //}

  let strips = params.samples * params.bands * params.strips_x;
  for (var strip = chunk * THREADS + lane; strip < strips; strip += params.chunks * THREADS) {
    let j = strip % params.strips_x * $(PW)u;
    let top = strip / params.strips_x % params.bands * params.rows;
    let n = strip / (params.strips_x * params.bands);
    let end = min(top + params.rows, params.h_out);
    // Columns beyond the image repeat its last one: they are multiplied by a g of 0.
    //for q in 0..PW+2 {
    let column$q = min(j + $(q)u, params.w_in - 1u);
    //}
    var at_x = n * params.c_in * plane_x + top * params.w_in;
    //for b in 0..CB {
    //for q in 0..PW+2 {
    var x$b_0_$q = x[at_x + c$b + column$q];
    var x$b_1_$q = x[at_x + c$b + params.w_in + column$q];
    //}
    //}
    at_x += 2u * params.w_in;
    var at_g = n * params.c_out * plane_g + top * params.w_out + j;
    for (var i = top; i < end; i++) {
      //for b in 0..CB {
      //for q in 0..PW+2 {
      let x$b_2_$q = x[at_x + c$b + column$q];
      //}
      //}
      //for a in 0..OB {
      {
        //for q in 0..PW {
        let g$q = select(0.0, g[at_g + o$a + $(q)u], j + $(q)u < params.w_out);
        //}
        //for b in 0..CB {
        //for u in 0..3 {
        //for v in 0..3 {
        //for q in 0..PW {
        s$a_$b_$u$v += g$q * x$b_$u_$(q+v);
        //}
        //}
        //}
        //}
      }
      //}
      //for b in 0..CB {
      //for q in 0..PW+2 {
      x$b_0_$q = x$b_1_$q;
      x$b_1_$q = x$b_2_$q;
      //}
      //}
      at_x += params.w_in;
      at_g += params.w_out;
    }
  }

  let at = lane % LANES;
  //if ONCE {
  //include conv2d_weight_sums
  workgroupBarrier();
  //} else {
  for (var round = 0u; round < THREADS / LANES; round++) {
    if (lane / LANES == round) {
      //include conv2d_weight_sums
    }
    workgroupBarrier();
  }
  //}
  for (var entry = lane; entry < ENTRIES; entry += THREADS) {
    let to_o = o + entry / ($(CB)u * 9u);
    let to_c = c + entry / 9u % $(CB)u;
    if (to_o < params.c_out && to_c < params.c_in) {
      var sum = 0.0;
      for (var k = 0u; k < LANES; k++) { sum += sums[entry * LANES + k]; }
      dw[((chunk * params.c_out + to_o) * params.c_in + to_c) * 9u + entry % 9u] = sum;
    }
  }
}
