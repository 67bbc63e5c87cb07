// quad_product: m[e,j,i] = Σ_k a[e,k,i]·b[e,k,j], matrix products for adapters whose subgroups have four lanes. Deterministic.
// A workgroup is one subgroup, a block of 4·RI rows x 4·RJ columns of one product. Each lane reads RI entries of a and RJ of b per k, and the
// lanes swap the latter: RI + RJ loads for 4·RI·RJ multiply-adds, where a load costs SwiftShader as much as 13 to 20 and a swap less than one.
// Matrices come in panels of a block's rows or columns, one k after the other, in which a lane's lie together: W of them are one load's address.
// After swap s, which takes the value of lane ^ s, a lane has rows of its own and columns of lane ^ s.
enable subgroups;
//let RI = 8
//let RJ = 8
//let KB = 8
//let W = 8
//let REST = 1
struct Params { depth: u32, blocks_i: u32, a_product: u32, b_product: u32, m_first: u32, m_product: u32, m_column: u32 } // strides in entries of W values
@group(0) @binding(0) var<storage, read>       a: array<mat2x$(W/2)<f32>>;
@group(0) @binding(1) var<storage, read>       b: array<mat2x$(W/2)<f32>>;
@group(0) @binding(2) var<storage, read_write> m: array<mat2x$(W/2)<f32>>; // [products, columns, rows]
@group(0) @binding(3) var<uniform>             params: Params;

@compute @workgroup_size(4)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
  let e = group.y;
  let block_i = group.x % params.blocks_i;
  let block_j = group.x / params.blocks_i;
  // All three matrices have room for whole blocks, so that nothing has to be asked; what comes of the surplus nobody reads.
  //for i in 0..RI {
  //for j in 0..RJ {
  //for s in 0..4 {
  var m$i_$j_$s = 0.0;
  //}
  //}
  //}
  var at_a = e * params.a_product + block_i * params.depth * $(4*RI/W)u + lane * $(RI/W)u;
  var at_b = e * params.b_product + block_j * params.depth * $(4*RJ/W)u + lane * $(RJ/W)u;
  let whole = params.depth / $(KB)u;
  for (var turn = 0u; turn < whole; turn++) {
    //for d in 0..KB {
    //for g in 0..RI/W {
    let rows$(g)_$d = a[at_a + $(g)u];
    //}
    //for g in 0..RJ/W {
    let columns$(g)_$d = b[at_b + $(g)u];
    //}
    at_a += $(4*RI/W)u;
    at_b += $(4*RJ/W)u;
    //}
    //for j in 0..RJ {
    //for d in 0..KB {
    let b$j_$(d)_0 = columns$(j/W)_$d[$(j%W/(W/2))][$(j%(W/2))];
    let b$j_$(d)_1 = quadSwapX(b$j_$(d)_0);
    let b$j_$(d)_2 = quadSwapY(b$j_$(d)_0);
    let b$j_$(d)_3 = quadSwapDiagonal(b$j_$(d)_0);
    //}
    //for i in 0..RI {
    //for s in 0..4 {
    m$i_$j_$s += b$j_0_$s * rows$(i/W)_0[$(i%W/(W/2))][$(i%(W/2))]
    //for d in 1..KB {
      + b$j_$(d)_$s * rows$(i/W)_$d[$(i%W/(W/2))][$(i%(W/2))]
    //}
      ;
    //}
    //}
    //}
  }
  // What is left of a depth that KB does not divide. Left out where there is nothing: a loop costs a tenth of a turn even if it is never entered.
  //for r in 0..REST {
  for (var k = whole * $(KB)u; k < params.depth; k++) {
    //for g in 0..RI/W {
    let rows$g = a[at_a + $(g)u];
    //}
    //for g in 0..RJ/W {
    let columns$g = b[at_b + $(g)u];
    //}
    //for j in 0..RJ {
    {
      let b0 = columns$(j/W)[$(j%W/(W/2))][$(j%(W/2))];
      let b1 = quadSwapX(b0);
      let b2 = quadSwapY(b0);
      let b3 = quadSwapDiagonal(b0);
      //for i in 0..RI {
      //for s in 0..4 {
      m$i_$j_$s += b$s * rows$(i/W)[$(i%W/(W/2))][$(i%(W/2))];
      //}
      //}
    }
    //}
    at_a += $(4*RI/W)u;
    at_b += $(4*RJ/W)u;
  }
  //}
  let to = params.m_first + e * params.m_product + block_j * $(4*RJ)u * params.m_column + (block_i * 4u + lane) * $(RI/W)u;
  //for j in 0..RJ {
  //for s in 0..4 {
  {
    let column = to + ((lane ^ $(s)u) * $(RJ)u + $(j)u) * params.m_column;
    //for g in 0..RI/W {
    m[column + $(g)u] = mat2x$(W/2)(
      //for i in W*g..W*g+W {
      m$i_$j_$s,
      //}
    );
    //}
  }
  //}
  //}
}
