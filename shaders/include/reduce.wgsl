// Adds a value per thread of the workgroup, in fixed order; all threads receive the total. `Sum` is what it adds: f32 or a vector.
var<workgroup> partial: array<Sum, WG>;

fn reduce(value: Sum, lane: u32) -> Sum {
  workgroupBarrier();
  partial[lane] = value;
  for (var width = WG / 2u; width > 0u; width /= 2u) {
    workgroupBarrier();
    if (lane < width) { partial[lane] += partial[lane + width]; }
  }
  workgroupBarrier();
  return partial[0];
}
