// patches: the denoiser of the recipe instant, by sums over shifts. For one shift s of the photo y against the sample x, the distances of all
// pairs (patch at p, photo's patch at p+s) are sums over side x side pixels of e(p) = Σ_c (x(p) − α·y(p+s))² − expected. The last term, 3σ², is the
// mean of the noise's square: it changes no weight, and keeps the sums of good pairs near 0, where float32 is finest.
//   softmax  per patch of the sample: the smallest distance, and Σ exp(scale·(smallest − d)), over the shifts of a share
//   merge    the same over all shares; the sum becomes its reciprocal
//   fold     Σ g·w·y over the shifts of a share, with w = exp(scale·(smallest − d))·reciprocal and g(u,v) = n(u)·n(v), per tile
//   gather   the sums of all tiles and shares, per pixel and channel
// A workgroup owns a tile: `side` rows of LANES−side+1 patches, which cover 2·side−1 rows of LANES pixels. A thread has a column of pixels,
// and the patches that begin there. A share is every shares-th row of shifts, a job some consecutive rows. Results are kept in memory between
// jobs and shifts: how shifts are split into jobs changes no bit, no value is alive across a barrier, and one kernel serves all sizes of patches.
struct Params { width: i32, height: i32, photo_width: i32, photo_height: i32, tiles_x: u32, tiles: u32, shares: u32, side: u32 }
@group(0) @binding(0) var<storage, read>       x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read>       y: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read>       level: array<f32>; // α, scale, expected
@group(0) @binding(3) var<storage, read>       job: array<i32>; // the first row of shifts, and the one after the last
@group(0) @binding(4) var<storage, read>       n: array<f32>;
@group(0) @binding(5) var<storage, read_write> patches: array<vec2<f32>>; // [shares,tiles,side,LANES]
@group(0) @binding(6) var<storage, read_write> merged: array<vec2<f32>>; // [tiles,side,LANES]
@group(0) @binding(7) var<storage, read_write> parts: array<vec4<f32>>; // [shares,tiles,2·side−1,LANES]
@group(0) @binding(8) var<storage, read_write> total: array<f32>; // [3,height,width]
@group(0) @binding(9) var<uniform>             params: Params;

const LANES = 64u;
const MAX_SIDE = 21u;
/// No distance is as large: that of a pair which does not exist.
const NONE = 1e30;
/// A weight below e^-25 of the largest counts as 0: those of 100,000 patches are less than 2e-6 of it together.
const LOGITS = 25.0;

var<workgroup> sums: array<f32, MAX_SIDE * LANES>;
var<workgroup> weights: array<f32, MAX_SIDE * LANES>;
/// The last shift with a weight above 0, counted from 1.
var<workgroup> hit: atomic<u32>;

fn columns() -> u32 { return LANES - params.side + 1u; }

/// e^v for v > −25, else 0, by the polynomial of Moshier's Cephes (expf); 1 where v > 0.
fn weight_of(v: f32) -> f32 {
  let w = clamp(v, -LOGITS, 0.0);
  let k = round(w * 1.44269504088896341);
  let r = (w - k * 0.693359375) + k * 2.12194440e-4;
  var p = 1.9875691500e-4;
  p = p * r + 1.3981999507e-3;
  p = p * r + 8.3334519073e-3;
  p = p * r + 4.1665795894e-2;
  p = p * r + 1.6666665459e-1;
  p = p * r + 5.0000001201e-1;
  p = p * r * r + r + 1.0;
  return select(0.0, p * bitcast<f32>((i32(k) + 127) << 23u), v > -LOGITS);
}

fn error_at(pixel: vec2<i32>, shift: vec2<i32>) -> f32 {
  let partner = pixel + shift;
  // With && in place of all(), SwiftShader would compile for minutes.
  let sample = vec2<i32>(params.width, params.height);
  let photo = vec2<i32>(params.photo_width, params.photo_height);
  let inside = all(vec4<bool>(pixel < sample, partner < photo)) & all(partner >= vec2<i32>(0));
  let d = x[select(0, pixel.y * params.width + pixel.x, inside)].xyz
    - level[0] * y[select(0, partner.y * params.photo_width + partner.x, inside)].xyz;
  return select(NONE, dot(d, d) - level[2], inside);
}

/// sums[r·LANES + lane] = Σ e of this column over the `side` rows from row r on: over the rest of the first `side` rows, and over the rows after.
fn add_rows(corner: vec2<i32>, shift: vec2<i32>, lane: u32) {
  let pixel = corner + vec2<i32>(i32(lane), 0);
  let side = params.side;
  var rest = 0.0;
  for (var i = 0u; i < side; i++) {
    rest += error_at(pixel + vec2<i32>(0, i32(side - 1u - i)), shift);
    sums[(side - 1u - i) * LANES + lane] = rest;
  }
  var after = 0.0;
  for (var r = 1u; r < side; r++) {
    after += error_at(pixel + vec2<i32>(0, i32(side - 1u + r)), shift);
    sums[r * LANES + lane] += after;
  }
}

/// The distance of the patch at row r and this column. Only for lanes below columns().
fn distance_at(r: u32, lane: u32) -> f32 {
  var d = 0.0;
  for (var u = 0u; u < params.side; u++) { d += sums[r * LANES + lane + u]; }
  return d;
}

/// A tile's first patch, and the first and last shifts with which any of its patches has a partner.
struct Tile { corner: vec2<i32>, first: vec2<i32>, last: vec2<i32> }
fn tile_at(tile: u32) -> Tile {
  let side = i32(params.side);
  let corner = vec2<i32>(vec2<u32>(tile % params.tiles_x * columns(), tile / params.tiles_x * params.side));
  let end = min(corner + vec2<i32>(i32(columns()), side), vec2<i32>(params.width, params.height) - side + 1);
  return Tile(corner, 1 - end, vec2<i32>(params.photo_width, params.photo_height) - side - corner);
}

/// The first row of shifts of a share from `row` on. Rows are counted from the first one of all.
fn row_of_share(row: i32, share: u32) -> i32 {
  let shares = i32(params.shares);
  let counted = row + params.height - i32(params.side);
  return row + (i32(share) + shares - counted % shares) % shares;
}

@compute @workgroup_size(LANES)
fn softmax(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let tile = tile_at(group.x);
  let scale = level[1];
  let first = (group.y * params.tiles + group.x) * params.side * LANES + lane;
  for (var sy = row_of_share(max(job[0], tile.first.y), group.y); sy < min(job[1], tile.last.y + 1); sy += i32(params.shares)) {
    for (var sx = tile.first.x; sx <= tile.last.x; sx++) {
      add_rows(tile.corner, vec2<i32>(sx, sy), lane);
      workgroupBarrier();
      if (lane < columns()) {
        for (var r = 0u; r < params.side; r++) {
          let d = distance_at(r, lane);
          let at = first + r * LANES;
          let best = patches[at].x;
          if (d < best + LOGITS / scale) {
            let least = min(d, best);
            let kept = patches[at].y * weight_of(scale * (least - best));
            patches[at] = vec2<f32>(least, kept + weight_of(scale * (least - d)));
          }
        }
      }
      workgroupBarrier();
    }
  }
}

@compute @workgroup_size(LANES)
fn merge(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * groups.x + group.x) * LANES + lane;
  let count = params.tiles * params.side * LANES;
  if (i >= count) { return; }
  var best = NONE;
  for (var share = 0u; share < params.shares; share++) { best = min(best, patches[share * count + i].x); }
  var sum = 0.0;
  for (var share = 0u; share < params.shares; share++) {
    let part = patches[share * count + i];
    sum += part.y * weight_of(level[1] * (best - part.x));
  }
  merged[i] = vec2<f32>(best, 1.0 / sum);
}

@compute @workgroup_size(LANES)
fn fold(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let tile = tile_at(group.x);
  let side = params.side;
  let first_patch = group.x * side * LANES + lane;
  let first_part = (group.y * params.tiles + group.x) * (2u * side - 1u) * LANES + lane;
  let last_pixel = params.photo_height * params.photo_width - 1;
  var shifts = 0u;
  for (var sy = row_of_share(max(job[0], tile.first.y), group.y); sy < min(job[1], tile.last.y + 1); sy += i32(params.shares)) {
    for (var sx = tile.first.x; sx <= tile.last.x; sx++) {
      shifts++;
      add_rows(tile.corner, vec2<i32>(sx, sy), lane);
      workgroupBarrier();
      for (var r = 0u; r < side; r++) {
        var w = 0.0;
        if (lane < columns()) {
          let d = distance_at(r, lane);
          let known = merged[first_patch + r * LANES];
          if (d < NONE) { w = known.y * weight_of(level[1] * (known.x - d)); }
        }
        weights[r * LANES + lane] = w;
        if (w > 0.0) { atomicStore(&hit, shifts); }
      }
      workgroupBarrier();
      if (atomicLoad(&hit) == shifts) {
        // Weights blurred along the row, in place of the sums; then along the column. There are none before the first lane.
        for (var r = 0u; r < side; r++) {
          var blurred = 0.0;
          for (var u = 0u; u < min(side, lane + 1u); u++) { blurred += n[u] * weights[r * LANES + lane - u]; }
          sums[r * LANES + lane] = blurred;
        }
        let pixel = (tile.corner.y + sy) * params.photo_width + tile.corner.x + sx + i32(lane);
        for (var i = 0u; i < 2u * side - 1u; i++) {
          var w = 0.0;
          for (var r = max(i + 1u, side) - side; r < min(side, i + 1u); r++) { w += n[i - r] * sums[r * LANES + lane]; }
          // Where w is not 0, the pixel is inside the photo.
          if (w > 0.0) { parts[first_part + i * LANES] += w * y[clamp(pixel + i32(i) * params.photo_width, 0, last_pixel)]; }
        }
      }
      workgroupBarrier();
    }
  }
}

@compute @workgroup_size(LANES)
fn gather(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let area = u32(params.width * params.height);
  let i = (group.y * groups.x + group.x) * LANES + lane;
  if (i >= area) { return; }
  let column = i % u32(params.width);
  let row = i / u32(params.width);
  let tiles_y = params.tiles / params.tiles_x;
  var sum = vec3<f32>(0.0);
  // A pixel lies in at most two tiles along each axis; a tile reaches side−1 pixels into the next one.
  for (var down = 0u; down < 2u; down++) {
    for (var across = 0u; across < 2u; across++) {
      let tile = vec2<u32>(column / columns() - across, row / params.side - down); // −1 is larger than any tile
      let local = vec2<u32>(column, row) - tile * vec2<u32>(columns(), params.side);
      if (tile.x >= params.tiles_x || tile.y >= tiles_y || local.x >= LANES || local.y >= 2u * params.side - 1u) { continue; }
      for (var share = 0u; share < params.shares; share++) {
        let at = ((share * params.tiles + tile.y * params.tiles_x + tile.x) * (2u * params.side - 1u) + local.y) * LANES + local.x;
        sum += parts[at].xyz;
      }
    }
  }
  for (var c = 0u; c < 3u; c++) { total[c * area + i] = sum[c]; }
}
