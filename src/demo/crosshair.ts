// The crosshair of the stage, for those who draw with the keyboard: where the arrows move it, and how it looks.

import type { Size } from "../image/planes.ts";
import type { Point } from "../image/region.ts";

/** Steps of the crosshair, in pixels of the picture. */
const STEP = 1;
const LONG_STEP = 10;
const ARROWS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The nearest middle of a pixel in a row of `length`. */
const inside = (x: number, length: number): number => Math.min(Math.max(x, 0.5), length - 0.5);

/** Where a key moves the crosshair; null for keys that are no arrows. */
export function movedBy({ key, shiftKey }: KeyboardEvent, { x, y }: Point, { width, height }: Size): Point | null {
  const arrow = ARROWS[key];
  if (!arrow) return null;
  const step = shiftKey ? LONG_STEP : STEP;
  return { x: inside(x + step * arrow[0], width), y: inside(y + step * arrow[1], height) };
}

/** A thin line of one colour in a thick one of another, so that it is seen on everything. */
export function strokeTwice(
  context: CanvasRenderingContext2D,
  onePixel: number,
  path: Path2D,
  thick: string,
  thin: string,
): void {
  for (const [colour, width] of [
    [thick, 3],
    [thin, 1],
  ] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width * onePixel;
    context.stroke(path);
  }
}

/** Two lines over the whole picture, dark in light, so that they are seen on everything. A disk marks a button that is down. */
export function drawCrosshair(
  context: CanvasRenderingContext2D,
  onePixel: number,
  { x, y }: Point,
  { width, height }: Size,
  isDown: boolean,
): void {
  const lines = new Path2D();
  lines.moveTo(0, y);
  lines.lineTo(width, y);
  lines.moveTo(x, 0);
  lines.lineTo(x, height);
  strokeTwice(context, onePixel, lines, "white", "black");
  const disk = new Path2D();
  disk.arc(x, y, 5 * onePixel, 0, 2 * Math.PI);
  context.fillStyle = isDown ? "black" : "white";
  context.fill(disk);
  context.lineWidth = 2 * onePixel;
  context.strokeStyle = isDown ? "white" : "black";
  context.stroke(disk);
}
