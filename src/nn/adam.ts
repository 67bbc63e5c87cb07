// Adam's step-dependent numbers, in f64. Kingma & Ba 2015; the step itself is shaders/adam.wgsl.

export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
}

/** SinGAN's: β = (0.5, 0.999), ε = 1e-8 as PyTorch. */
export const ADAM: AdamOptions = { beta1: 0.5, beta2: 0.999, eps: 1e-8 };

/** (lr/(1−β1ᵗ), 1/√(1−β2ᵗ)) of step t = 1, 2, …: what the kernel multiplies m and √v with. */
export function adamSchedule(t: number, lr: number, { beta1, beta2 }: AdamOptions = ADAM): [number, number] {
  return [lr / (1 - beta1 ** t), 1 / Math.sqrt(1 - beta2 ** t)];
}
