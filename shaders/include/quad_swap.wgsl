// The value that lane ^ s of a quad has.
fn swapped_0(x: f32) -> f32 { return x; }
fn swapped_1(x: f32) -> f32 { return quadSwapX(x); }
fn swapped_2(x: f32) -> f32 { return quadSwapY(x); }
fn swapped_3(x: f32) -> f32 { return quadSwapDiagonal(x); }
