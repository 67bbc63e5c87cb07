// One plain sentence for each scale: what the networks learn there.

import type { Size } from "../image/planes.ts";

/** Both networks see so many pixels of a scale at once: their receptive field. */
export const PATCH = 11;

/** What is learnt at a scale, counted from 0, in pixels of the finest one. */
export function narrationOf(scale: number, sizes: readonly Size[]): string {
  const finest = sizes.at(-1)!.width;
  const wide = Math.min(finest, Math.round((PATCH * finest) / sizes[scale]!.width));
  const isLast = scale === sizes.length - 1;
  const what = isLast
    ? "the finest details"
    : scale === 0
      ? "what lies where: areas"
      : wide > finest / 4
        ? "large shapes"
        : "shapes";
  return `Now it learns ${what}, about ${wide} px wide of ${finest}.`;
}
