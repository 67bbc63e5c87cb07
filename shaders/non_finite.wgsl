// non_finite: sets flag[0] to 1.0 where any of n values is infinite or NaN, and else leaves it as it is.
// It tests the bits of the exponent, because a compiler may assume that floats are finite.
override WG: u32 = 64u;
struct Params { n: u32 }
@group(0) @binding(0) var<storage, read>       values: array<u32>;
@group(0) @binding(1) var<storage, read_write> flag: array<atomic<u32>>;
@group(0) @binding(2) var<uniform>             params: Params;

const EXPONENT = 0x7f800000u;
const ONE = 0x3f800000u; // the bits of 1.0

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i < params.n && (values[i] & EXPONENT) == EXPONENT) { atomicStore(&flag[0], ONE); }
}
