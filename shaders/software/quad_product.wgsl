// quad_product: m[e,j,i] = Σ_k a[e,k,i]·b[e,k,j], matrix products for software adapters. Deterministic.
// A workgroup is one subgroup. Each of its QUADS quads of four lanes computes a block of 4R rows x 4R columns of one product. A lane reads R
// entries of a and of b per k, and the lanes swap those of b: 2R loads serve 4R² multiply-adds. (A load costs as much as 13 to 50 multiply-adds,
// a swap as much as one.) By swap s a lane receives the columns of lane ^ s, and combines them with its own rows. Factors lie in panels of a
// block's rows or columns, one k after the other, so that the R entries of a lane lie together and share an address.
enable subgroups;
//let R = 8
//let QUADS = 1
//let REST = 1
struct Params { depth: u32, blocks_i: u32, blocks_j: u32, first: u32 }
@group(0) @binding(0) var<storage, read>       a: array<mat2x$(R/2)<f32>>; // [products, blocks_i, depth, 4 lanes]
@group(0) @binding(1) var<storage, read>       b: array<mat2x$(R/2)<f32>>; // [products, blocks_j, depth, 4 lanes]
@group(0) @binding(2) var<storage, read_write> m: array<mat2x$(R/2)<f32>>; // [products from `first` on, columns, blocks_i, 4 lanes]
@group(0) @binding(3) var<uniform>             params: Params;

//include quad_swap

@compute @workgroup_size($(4*QUADS))
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(subgroup_invocation_id) id: u32) {
  let lane = id % 4u;
  let e = group.y;
  // blocks_i is a multiple of QUADS: the quads of a subgroup share block_j, and there is a block for each quad.
  let item = group.x * $(QUADS)u + id / 4u;
  let block_i = item % params.blocks_i;
  let block_j = item / params.blocks_i;
  // No bounds check: all three matrices are padded to whole blocks, and the results of the padding are never read.
  //for i in 0..R {
  //for j in 0..R {
  //for s in 0..4 {
  var m$i_$j_$s = 0.0;
  //}
  //}
  //}
  var at_a = (e * params.blocks_i + block_i) * params.depth * 4u + lane;
  var at_b = (e * params.blocks_j + block_j) * params.depth * 4u + lane;
  // R depths per turn: a turn of the loop costs each sum as much as four multiply-adds.
  let turns = params.depth / $(R)u;
  for (var turn = 0u; turn < turns; turn++) {
    //for d in 0..R {
    let rows$d = a[at_a];
    let columns$d = b[at_b];
    at_a += 4u;
    at_b += 4u;
    //}
    //for j in 0..R {
    //for d in 0..R {
    let b$j_$(d)_0 = columns$d[$(j/(R/2))][$(j%(R/2))];
    //for s in 1..4 {
    let b$j_$(d)_$s = swapped_$s(b$j_$(d)_0);
    //}
    //}
    //for i in 0..R {
    //for s in 0..4 {
    m$i_$j_$s += b$j_0_$s * rows0[$(i/(R/2))][$(i%(R/2))]
    //for d in 1..R {
      + b$j_$(d)_$s * rows$d[$(i/(R/2))][$(i%(R/2))]
    //}
      ;
    //}
    //}
    //}
  }
  // The remaining depths. Compiled only where there are some: even a loop that is not entered costs a tenth of a turn.
  //if REST {
  for (var k = turns * $(R)u; k < params.depth; k++) {
    let rows = a[at_a];
    let columns = b[at_b];
    //for j in 0..R {
    {
      let b0 = columns[$(j/(R/2))][$(j%(R/2))];
      //for s in 1..4 {
      let b$s = swapped_$s(b0);
      //}
      //for i in 0..R {
      //for s in 0..4 {
      m$i_$j_$s += b$s * rows[$(i/(R/2))][$(i%(R/2))];
      //}
      //}
    }
    //}
    at_a += 4u;
    at_b += 4u;
  }
  //}
  let column = params.blocks_i * 4u;
  let to = ((params.first + e) * params.blocks_j + block_j) * $(4*R)u * column + block_i * 4u + lane;
  //for j in 0..R {
  //for s in 0..4 {
  m[to + ((lane ^ $(s)u) * $(R)u + $(j)u) * column] = mat2x$(R/2)(
    //for i in 0..R {
    m$i_$j_$s,
    //}
  );
  //}
  //}
}
