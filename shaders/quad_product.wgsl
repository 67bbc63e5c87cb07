// quad_product: m[e,j,i] = Σ_k a[e,k,i]·b[e,k,j], matrix products for adapters whose subgroups have four lanes. Deterministic.
// A workgroup is one subgroup, a block of 4·RI rows x 4·RJ columns of one product. Each lane reads RI entries of a and RJ of b per k, and the
// lanes swap the latter: RI + RJ loads for 4·RI·RJ multiply-adds, where a load costs SwiftShader as much as 13 to 20 and a swap less than one.
// Rows of a block are a_row apart, blocks a_block: a block whose entries lie together is read fastest. After swap s, which takes the value of lane ^ s, a lane has rows of its own and columns of lane ^ s.
enable subgroups;
//let RI = 4
//let RJ = 4
//let KB = 4
struct Params { depth: u32, blocks_i: u32, a_product: u32, a_block: u32, a_depth: u32, a_row: u32, b_product: u32, b_block: u32, b_depth: u32, b_column: u32, m_product: u32, m_column: u32 }
@group(0) @binding(0) var<storage, read>       a: array<f32>;
@group(0) @binding(1) var<storage, read>       b: array<f32>;
@group(0) @binding(2) var<storage, read_write> m: array<f32>; // [products, columns, rows]
@group(0) @binding(3) var<uniform>             params: Params;

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let e = group.y;
  let block_i = group.x % params.blocks_i;
  let block_j = group.x / params.blocks_i;
  // All three matrices have room for whole blocks, so that nothing has to be asked; what comes of the surplus nobody reads.
  //for i in 0..RI {
  let row$i = ($(4*i)u + lane) * params.a_row;
  //}
  //for j in 0..RJ {
  let column$j = ($(4*j)u + lane) * params.b_column;
  //for i in 0..RI {
  //for s in 0..4 {
  var m$i_$j_$s = 0.0;
  //}
  //}
  //}
  var at_a = e * params.a_product + block_i * params.a_block;
  var at_b = e * params.b_product + block_j * params.b_block;
  let whole = params.depth / $(KB)u;
  for (var turn = 0u; turn < whole; turn++) {
    //for d in 0..KB {
    //for i in 0..RI {
    let a$i_$d = a[at_a + row$i];
    //}
    //for j in 0..RJ {
    let b$j_$(d)_0 = b[at_b + column$j];
    //}
    at_a += params.a_depth;
    at_b += params.b_depth;
    //}
    //for j in 0..RJ {
    //for d in 0..KB {
    let b$j_$(d)_1 = quadSwapX(b$j_$(d)_0);
    let b$j_$(d)_2 = quadSwapY(b$j_$(d)_0);
    let b$j_$(d)_3 = quadSwapDiagonal(b$j_$(d)_0);
    //}
    //for i in 0..RI {
    //for s in 0..4 {
    m$i_$j_$s += a$i_0 * b$j_0_$s
    //for d in 1..KB {
      + a$i_$d * b$j_$(d)_$s
    //}
      ;
    //}
    //}
    //}
  }
  for (var k = whole * $(KB)u; k < params.depth; k++) {
    //for i in 0..RI {
    let a$i = a[at_a + row$i];
    //}
    //for j in 0..RJ {
    {
      let b0 = b[at_b + column$j];
      let b1 = quadSwapX(b0);
      let b2 = quadSwapY(b0);
      let b3 = quadSwapDiagonal(b0);
      //for i in 0..RI {
      //for s in 0..4 {
      m$i_$j_$s += a$i * b$s;
      //}
      //}
    }
    //}
    at_a += params.a_depth;
    at_b += params.b_depth;
  }
  let to = e * params.m_product + block_j * $(4*RJ)u * params.m_column + block_i * $(4*RI)u + lane;
  //for j in 0..RJ {
  //for s in 0..4 {
  {
    let column = to + ($(4*j)u + (lane ^ $(s)u)) * params.m_column;
    //for i in 0..RI {
    m[column + $(4*i)u] = m$i_$j_$s;
    //}
  }
  //}
  //}
}
