// The choice of a variant: for any op, by a device's profile and what a tuner has found there.

import type { Shape, Tensor } from "../autodiff/tensor.ts";
import type { DeviceProfile } from "../gpu/profile.ts";
import { chooseConvolution, convolutionCandidates, convolutionVariants } from "./conv/families.ts";
import { contractionOf } from "./conv/problem.ts";
import { plainVariants } from "./kernels.ts";
import type { Tuning } from "./tune.ts";
import type { OpCase, PlainVariant, Variant } from "./variant.ts";

const others: Readonly<Record<string, readonly PlainVariant[]>> = plainVariants;

/** The variants of an op that is no convolution. Throws where there are none. */
function plainOf(opName: string): readonly PlainVariant[] {
  const variants = others[opName];
  if (!variants) throw new Error(`no kernel computes ${opName}`);
  return variants;
}

/** All variants of an op that a kind of device may use. Throws where there are none. */
export const variantsOf = (opName: string, profile: DeviceProfile): readonly Variant[] =>
  contractionOf(opName) ? convolutionVariants(opName, profile) : plainOf(opName);

/** The variant used for a case. */
export function choose(opName: string, op: OpCase, profile: DeviceProfile, tuning: Tuning): Variant {
  if (contractionOf(opName)) return chooseConvolution(opName, op, profile, tuning);
  return plainOf(opName).find(({ suits }) => suits?.(profile) ?? true)!;
}

/**
 * The variant that images of `size` [h,w] have for a convolution of the frozen generator, whatever the node's own size and whatever a tuner
 * has found. Its bits don't depend on where in the image a pixel lies, so that a tile of a picture is computed as the whole is. Undefined
 * for other ops, which are computed in one way only.
 */
export function chooseForSize(
  { name, inputs, shape, attrs }: Tensor,
  size: readonly [number, number],
  profile: DeviceProfile,
): Variant | undefined {
  if (contractionOf(name) !== "conv2d") return undefined;
  const resized = (s: Shape): Shape => [...s.slice(0, 2), ...size];
  const [x, ...rest] = inputs.map((t) => t.shape) as [Shape, ...Shape[]];
  const op = { inputs: [resized(x), ...rest], shape: resized(shape), attrs };
  return convolutionCandidates(name, op, profile).find(({ tile }) => tile === undefined);
}
