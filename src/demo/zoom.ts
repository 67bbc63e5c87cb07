// How far the stage is zoomed, and which part of the picture it shows. Lengths are in px of the screen, positions from the middle of the stage.

import type { Size } from "../image/planes.ts";

export interface Zoom {
  /** 1: the whole picture, as large as there is room. */
  readonly factor: number;
  /** Where the middle of the picture is. */
  readonly x: number;
  readonly y: number;
}

/** The stage, and the picture in it at factor 1. */
export interface Room {
  readonly stage: Size;
  readonly picture: Size;
}

export const WHOLE: Zoom = { factor: 1, x: 0, y: 0 };
const LARGEST = 32;

const between = (low: number, value: number, high: number): number => Math.min(Math.max(value, low), high);

/** The picture fills the stage as far as it can: no side of it moves further in than the stage's border. */
function within({ stage, picture }: Room, { factor, x, y }: Zoom): Zoom {
  const spare = (inner: number, outer: number): number => Math.max(0, (inner * factor - outer) / 2);
  const [wide, high] = [spare(picture.width, stage.width), spare(picture.height, stage.height)];
  return { factor, x: between(-wide, x, wide), y: between(-high, y, high) };
}

/** Zooms by `by`, so that what lies at a point stays there as far as possible. */
export function zoomed(room: Room, zoom: Zoom, by: number, at: { readonly x: number; readonly y: number }): Zoom {
  const factor = between(1, zoom.factor * by, LARGEST);
  const share = factor / zoom.factor;
  return within(room, { factor, x: at.x - (at.x - zoom.x) * share, y: at.y - (at.y - zoom.y) * share });
}

export const panned = (room: Room, { factor, x, y }: Zoom, dx: number, dy: number): Zoom =>
  within(room, { factor, x: x + dx, y: y + dy });

/** Moves the picture just so far that a point of it is seen; (0.5, 0.5) is its middle. */
export function showing(room: Room, zoom: Zoom, point: { readonly x: number; readonly y: number }): Zoom {
  const { stage, picture } = room;
  const [x, y] = [
    zoom.x + (point.x - 0.5) * picture.width * zoom.factor,
    zoom.y + (point.y - 0.5) * picture.height * zoom.factor,
  ];
  const into = (at: number, length: number): number => between(-length / 2, at, length / 2) - at;
  return panned(room, zoom, into(x, 0.9 * stage.width), into(y, 0.9 * stage.height));
}
