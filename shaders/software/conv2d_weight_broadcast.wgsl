// conv2d_weight_broadcast: dw[o,c,u,v] = Σ_{n,i,j} g[n,o,i,j]·x[n,c,i+u,j+v], 3x3, with a subgroup as one unit. Deterministic.
// A workgroup is one subgroup of LANES lanes, and works on one of `chunks` parts of the picture, cut into strips of PW columns. A lane has one
// output channel and CB input channels. The lanes read each row of x together, a value each, and broadcast it: a row costs
// PW + CB·(PW+2)/LANES loads for 9·CB·PW multiply-adds, and the lanes have no sums to add. chunk_sum.wgsl adds the chunks.
enable subgroups;
//let LANES = 8
//let CB = 4
//let PW = 6
struct Params { samples: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, c_in: u32, c_out: u32, chunks: u32, strips_x: u32, bands: u32, rows: u32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read>       g: array<f32>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>; // [chunks, c_out, c_in, 3, 3]
@group(0) @binding(3) var<uniform>             params: Params;

const LANES = $(LANES)u;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let blocks_c = (params.c_in + $(CB)u - 1u) / $(CB)u;
  let chunk = group.x;
  let c = group.y % blocks_c * $(CB)u;
  let o = group.y / blocks_c * LANES + lane;
  let plane_x = params.h_in * params.w_in;
  // Channels beyond the last one repeat it; their sums are not stored.
  let o_in = min(o, params.c_out - 1u);
  //for b in 0..CB {
  let c$b = min(c + $(b)u, params.c_in - 1u) * plane_x;
  //for u in 0..3 {
  //for v in 0..3 {
  var s$b_$u$v = 0.0;
  //}
  //}
  //}

  let strips = params.samples * params.bands * params.strips_x;
  for (var strip = chunk; strip < strips; strip += params.chunks) {
    let j = strip % params.strips_x * $(PW)u;
    let top = strip / params.strips_x % params.bands * params.rows;
    let n = strip / (params.strips_x * params.bands);
    let end = min(top + params.rows, params.h_out);
    // Columns beyond the image repeat its last one: they are multiplied by a g of 0.
    //for k in 0..(PW+1+LANES)/LANES {
    let column$k = min(j + $(k)u * LANES + lane, params.w_in - 1u);
    //}
    var at_x = n * params.c_in * plane_x + top * params.w_in;
    //for b in 0..CB {
    //for k in 0..(PW+1+LANES)/LANES {
    var row$b_0_$k = x[at_x + c$b + column$k];
    var row$b_1_$k = x[at_x + c$b + params.w_in + column$k];
    //}
    //}
    at_x += 2u * params.w_in;
    var at_g = ((n * params.c_out + o_in) * params.h_out + top) * params.w_out + j;
    for (var i = top; i < end; i++) {
      //for q in 0..PW {
      let g$q = select(0.0, g[at_g + $(q)u], j + $(q)u < params.w_out);
      //}
      //for b in 0..CB {
      {
        //for k in 0..(PW+1+LANES)/LANES {
        let row$b_2_$k = x[at_x + c$b + column$k];
        //}
        //for u in 0..3 {
        {
          //for q in 0..PW+2 {
          let x$q = subgroupBroadcast(row$b_$u_$(q/LANES), $(q%LANES)u);
          //}
          //for v in 0..3 {
          //for q in 0..PW {
          s$b_$u$v += g$q * x$(q+v);
          //}
          //}
        }
        //}
        //for k in 0..(PW+1+LANES)/LANES {
        row$b_0_$k = row$b_1_$k;
        row$b_1_$k = row$b_2_$k;
        //}
      }
      //}
      at_x += params.w_in;
      at_g += params.w_out;
    }
  }

  if (o < params.c_out) {
    //for b in 0..CB {
    if (c + $(b)u < params.c_in) {
      let at = ((chunk * params.c_out + o) * params.c_in + c + $(b)u) * 9u;
      //for u in 0..3 {
      //for v in 0..3 {
      dw[at + $(u*3+v)u] = s$b_$u$v;
      //}
      //}
    }
    //}
  }
}
