// Draws outlines and handles over a picture, so that they can be seen on any colours.

import type { Size } from "../../image/planes.ts";
import type { Point } from "../../image/region.ts";

/** Side of a handle, px of the screen. */
const HANDLE = 12;
/** How near the pointer must be to a handle, px of the screen: fingers are wide. */
const REACH = 18;

/** The same in pixels of the picture; less where what has the handles is so small that one could not press between them. */
export const reachOf = ({ width, height }: Size, onePixel: number): number =>
  Math.min(REACH * onePixel, Math.min(width, height) / 3);

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name);

/** `onePixel` is the length of one of the screen's: see StageHandler.draw. */
export function drawOutline(
  context: CanvasRenderingContext2D,
  onePixel: number,
  corners: readonly Point[],
  isClosed = true,
): void {
  if (corners.length === 0) return;
  context.beginPath();
  for (const { x, y } of corners) context.lineTo(x, y);
  if (isClosed) context.closePath();
  for (const [name, width, dash] of [
    ["--on-accent", 3, []],
    ["--accent", 2, [6 * onePixel, 4 * onePixel]],
  ] as const) {
    context.strokeStyle = colour(name);
    context.lineWidth = width * onePixel;
    context.setLineDash([...dash]);
    context.stroke();
  }
  context.setLineDash([]);
}

export function drawHandles(context: CanvasRenderingContext2D, onePixel: number, at: readonly Point[], isRound = false): void {
  const half = (HANDLE / 2) * onePixel;
  context.fillStyle = colour("--on-accent");
  context.strokeStyle = colour("--accent");
  context.lineWidth = 2 * onePixel;
  for (const { x, y } of at) {
    context.beginPath();
    if (isRound) context.arc(x, y, half, 0, 2 * Math.PI);
    else context.rect(x - half, y - half, 2 * half, 2 * half);
    context.fill();
    context.stroke();
  }
}
