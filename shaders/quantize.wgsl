// quantize: y[n,:,i] = the colour of the palette [k,3] nearest to x[n,:,i], the first one of equally near colours. One pixel per thread.
override WG: u32 = 64u;
struct Params { pixels: u32, samples: u32, colours: u32 }
@group(0) @binding(0) var<storage, read>       x: array<f32>;
@group(0) @binding(1) var<storage, read>       palette: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform>             params: Params;

fn colour(k: u32) -> vec3<f32> { return vec3<f32>(palette[3u * k], palette[3u * k + 1u], palette[3u * k + 2u]); }

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let at = (group.y * groups.x + group.x) * WG + lane;
  if (at >= params.samples * params.pixels) { return; }
  let first = at / params.pixels * 3u * params.pixels + at % params.pixels;
  let value = vec3<f32>(x[first], x[first + params.pixels], x[first + 2u * params.pixels]);
  var best = colour(0u);
  var least = dot(value - best, value - best);
  for (var k = 1u; k < params.colours; k++) {
    let c = colour(k);
    let d = dot(value - c, value - c);
    if (d < least) {
      least = d;
      best = c;
    }
  }
  for (var c = 0u; c < 3u; c++) { y[first + c * params.pixels] = best[c]; }
}
