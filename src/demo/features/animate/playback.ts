// Which frame of an animation comes next, and what the files of an animation are called.

import type { AnimateRequest } from "./messages.ts";

/** The frame after `frame`, when `made` of `total` frames are there: the first one follows the last; a frame that is not made yet is waited for. */
export function frameAfter(frame: number, made: number, total: number): number {
  if (frame + 1 < made) return frame + 1;
  return made >= total ? 0 : frame;
}

/** The frame that is `by` frames further, around the end, when `made` frames are there. */
export const stepped = (frame: number, by: number, made: number): number => (((frame + by) % made) + made) % made;

/** The name of the animation's files, without extension. It says what differs from the plain loop of the seed. */
export function animationName(
  name: string,
  { seed, startScale, alpha, beta, loop }: AnimateRequest,
  plain: AnimateRequest,
): string {
  const parts = [
    ...[name, "animation", `seed-${seed}`],
    ...(startScale === plain.startScale ? [] : [`from-scale-${startScale}`]),
    ...(alpha === plain.alpha ? [] : [`alpha-${alpha}`]),
    ...(beta === plain.beta ? [] : [`beta-${beta}`]),
    ...(loop ? [] : ["open"]),
  ];
  return parts.join("-");
}
