// Adam's constants, and its factors that change with the step, in f64. shaders/adam.wgsl computes the step. Kingma & Ba 2015.

export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
}

/** SinGAN's values: β = (0.5, 0.999), and ε = 1e-8 as in PyTorch. */
export const ADAM: AdamOptions = { beta1: 0.5, beta2: 0.999, eps: 1e-8 };

/** (lr/(1−β1ᵗ), 1/√(1−β2ᵗ)) for step t = 1, 2, …: the kernel multiplies m by the first and √v by the second. */
export function adamSchedule(t: number, lr: number, { beta1, beta2 }: AdamOptions = ADAM): [number, number] {
  return [lr / (1 - beta1 ** t), 1 / Math.sqrt(1 - beta2 ** t)];
}
