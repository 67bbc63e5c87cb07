// adam: one step over the flat parameters of a net, in place. Kingma & Ba 2015, in PyTorch's form:
//   m = β1·m + (1−β1)·g;  v = β2·v + (1−β2)·g²;  p −= lr/(1−β1ᵗ) · m / (√v/√(1−β2ᵗ) + ε)
// The gradient is the sum of `terms` arrays of n values, which lie one after the other in the buffer g.
// schedule = (lr/(1−β1ᵗ), 1/√(1−β2ᵗ)) of this step, computed on the CPU in f64.
override WG: u32 = 64u;
struct Params { n: u32, terms: u32, beta1: f32, beta2: f32, rest1: f32, rest2: f32, eps: f32 } // rest = 1 − β, which f32 would round away
@group(0) @binding(0) var<storage, read>       g: array<f32>;
@group(0) @binding(1) var<storage, read>       schedule: array<f32>;
@group(0) @binding(2) var<storage, read_write> p: array<f32>;
@group(0) @binding(3) var<storage, read_write> m: array<f32>;
@group(0) @binding(4) var<storage, read_write> v: array<f32>;
@group(0) @binding(5) var<uniform>             params: Params;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * WG + lane;
  if (i >= params.n) { return; }
  var gradient = g[i];
  for (var k = 1u; k < params.terms; k++) { gradient += g[k * params.n + i]; }
  let m_new = params.beta1 * m[i] + params.rest1 * gradient;
  let v_new = params.beta2 * v[i] + params.rest2 * gradient * gradient;
  m[i] = m_new;
  v[i] = v_new;
  p[i] -= schedule[0] * m_new / (sqrt(v_new) * schedule[1] + params.eps);
}
