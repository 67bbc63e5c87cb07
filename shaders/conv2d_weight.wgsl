// conv2d_weight: dw[o,c,u,v] = Σ_{n,i,j} g[n,o,i,j]·x[n,c,i+u,j+v], 3x3. Template: OB output channels x PW pixels per step.
// A thread owns (OB outputs, one input channel, one chunk) and strides over the row segments of its chunk; chunk_sum adds the chunks
// in fixed order. Deterministic: no atomics.
//let OB = 4
//let PW = 4
override WG: u32 = 64u;
struct Params { samples: u32, h_in: u32, w_in: u32, h_out: u32, w_out: u32, c_in: u32, c_out: u32, chunks: u32, segments_x: u32, segments: u32, threads: u32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read>       g: array<f32>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>; // [chunks, c_out, c_in, 3, 3]
@group(0) @binding(3) var<uniform>             params: Params;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let thread = (group.y * groups.x + group.x) * WG + lane;
  if (thread >= params.threads) { return; }
  let chunk = thread % params.chunks;
  let c = thread / params.chunks % params.c_in;
  let o = thread / (params.chunks * params.c_in) * $(OB)u;
  let plane_g = params.h_out * params.w_out;

  //for a in 0..OB {
  //for u in 0..3 {
  //for v in 0..3 {
  var s$a_$u$v = 0.0;
  //}
  //}
  //}
  for (var segment = chunk; segment < params.segments; segment += params.chunks) {
    let j = segment % params.segments_x * $(PW)u;
    let i = segment / params.segments_x % params.h_out;
    let n = segment / (params.segments_x * params.h_out);
    let at_x = ((n * params.c_in + c) * params.h_in + i) * params.w_in + j;
    //for u in 0..3 {
    //for q in 0..3 {
    let x$u_$q = x[at_x + $(u)u * params.w_in + $(q)u];
    //}
    //for q in 3..PW+2 {
    let x$u_$q = select(0.0, x[at_x + $(u)u * params.w_in + $(q)u], j + $(q)u < params.w_in); // beyond: perhaps not a number
    //}
    //}
    let at_g = (n * params.c_out + o) * plane_g + i * params.w_out + j;
    //for a in 0..OB {
    {
      let row = at_g + $(a)u * plane_g;
      //for q in 0..PW {
      let g$q = select(0.0, g[row + $(q)u], j + $(q)u < params.w_out); // beyond the row: the next one, masked
      //}
      //for u in 0..3 {
      //for v in 0..3 {
      //for q in 0..PW {
      s$a_$u$v += g$q * x$u_$(q+v);
      //}
      //}
      //}
    }
    //}
  }

  //for a in 0..OB {
  if (o + $(a)u < params.c_out) {
    let out$a = ((chunk * params.c_out + o + $(a)u) * params.c_in + c) * 9u;
    //for u in 0..3 {
    //for v in 0..3 {
    dw[out$a + $(u)u * 3u + $(v)u] = s$a_$u$v;
    //}
    //}
  }
  //}
}
