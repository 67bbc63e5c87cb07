// The end of a convolution: bias and LeakyReLU. The bias is added last, because a large one would round every partial sum.
fn finish(sum: f32, bias: f32) -> f32 {
  let value = sum + bias;
  return select(value, params.slope * value, LEAKY & (value < 0.0));
}
