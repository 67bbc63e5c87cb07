// Rectangles and placed objects as a visitor's pointer and number fields change them. Pure.

import type { Placement } from "../../image/placement.ts";
import type { Size } from "../../image/planes.ts";
import type { Point } from "../../image/region.ts";
import { outlineOf, type Rect } from "../../image/region.ts";

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);
const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

/** The whole pixels of a picture between two points; null where there is none. */
export function rectBetween(a: Point, b: Point, { width, height }: Size): Rect | null {
  const [left, right] = [Math.min(a.x, b.x), Math.max(a.x, b.x)].map((x) => clamp(Math.round(x), 0, width)) as [number, number];
  const [top, bottom] = [Math.min(a.y, b.y), Math.max(a.y, b.y)].map((y) => clamp(Math.round(y), 0, height)) as [number, number];
  return right > left && bottom > top ? { x: left, y: top, width: right - left, height: bottom - top } : null;
}

/** The part of a rectangle that lies inside a picture; null where that is nothing. */
export const insidePicture = ({ x, y, width, height }: Rect, size: Size): Rect | null =>
  rectBetween({ x, y }, { x: x + width, y: y + height }, size);

export const isInRect = ({ x, y }: Point, rect: Rect): boolean =>
  x >= rect.x && y >= rect.y && x < rect.x + rect.width && y < rect.y + rect.height;

export const movedRect = (rect: Rect, from: Point, to: Point): Rect => ({
  ...rect,
  x: rect.x + Math.round(to.x - from.x),
  y: rect.y + Math.round(to.y - from.y),
});

/** The index of the corner that is nearest to a point, clockwise from the upper left one; null where none is within `reach`. */
export function cornerAt(corners: readonly Point[], point: Point, reach: number): number | null {
  const all = corners.map((corner) => distance(corner, point));
  const nearest = all.indexOf(Math.min(...all));
  return all[nearest]! <= reach ? nearest : null;
}

/** A rectangle scaled so that its corner `index` follows a point. The opposite corner stays, and so do the proportions. */
export function scaledRect(rect: Rect, index: number, to: Point): Rect {
  const corners = outlineOf(rect);
  const [corner, fixed] = [corners[index]!, corners[(index + 2) % 4]!];
  const [dx, dy] = [corner.x - fixed.x, corner.y - fixed.y];
  const factor = ((to.x - fixed.x) * dx + (to.y - fixed.y) * dy) / (dx * dx + dy * dy);
  const [width, height] = [Math.max(1, Math.round(rect.width * factor)), Math.max(1, Math.round(rect.height * factor))];
  return { x: dx > 0 ? fixed.x : fixed.x - width, y: dy > 0 ? fixed.y : fixed.y - height, width, height };
}

/** An outline on `from`, moved and scaled with it to `to`. */
export const onRect = (outline: readonly Point[], from: Rect, to: Rect): Point[] =>
  outline.map(({ x, y }) => ({
    x: to.x + ((x - from.x) * to.width) / from.width,
    y: to.y + ((y - from.y) * to.height) / from.height,
  }));

/** An object in the middle of a picture, its long side half as long as the picture's short side. */
export function placedInMiddle(object: Size, { width, height }: Size): Placement {
  const middle = { x: Math.round(width / 2), y: Math.round(height / 2), angle: 0 };
  return ofSide({ ...middle, ...object }, Math.round(Math.min(width, height) / 2));
}

/** A placement whose long side is so long; the proportions stay. */
export function ofSide(placement: Placement, side: number): Placement {
  const factor = side / Math.max(placement.width, placement.height);
  return { ...placement, width: placement.width * factor, height: placement.height * factor };
}

export const sideOf = ({ width, height }: Size): number => Math.max(width, height);

/** A placement scaled round its middle, as a corner goes from one point to another. */
export function scaledBy(placement: Placement, from: Point, to: Point): Placement {
  const factor = distance(placement, to) / Math.max(1, distance(placement, from));
  return ofSide(placement, Math.max(1, Math.round(sideOf(placement) * factor)));
}

/** A placement turned so that its upper side faces a point. Whole degrees, from −179 to 180. */
export function turnedTo(placement: Placement, { x, y }: Point): Placement {
  const angle = Math.round((Math.atan2(x - placement.x, placement.y - y) * 180) / Math.PI);
  return { ...placement, angle: angle === -180 ? 180 : angle };
}

/**
 * The point that turns a placement: `away` beyond the middle of its upper side. Where the picture ends before it, it is as far within the placement, or
 * where the picture ends.
 */
export function turnerOf({ x, y, height, angle }: Placement, away: number, size: Size): Point {
  const [across, up] = [Math.sin((angle * Math.PI) / 180), Math.cos((angle * Math.PI) / 180)];
  /** How far the picture goes from the placement's middle to its upper side, along one axis. */
  const room = (at: number, step: number, side: number): number =>
    step > 0 ? (side - at) / step : step < 0 ? at / -step : Number.POSITIVE_INFINITY;
  const most = Math.max(0, Math.min(room(x, across, size.width), room(y, -up, size.height)));
  const outside = height / 2 + away;
  const reach = outside <= most ? outside : Math.min(most, height / 2 - Math.min(away, height / 3));
  return { x: x + across * reach, y: y - up * reach };
}

export function isInPlacement({ x, y }: Point, placement: Placement): boolean {
  const [cos, sin] = [Math.cos((placement.angle * Math.PI) / 180), Math.sin((placement.angle * Math.PI) / 180)];
  const [dx, dy] = [x - placement.x, y - placement.y];
  return Math.abs(cos * dx + sin * dy) <= placement.width / 2 && Math.abs(cos * dy - sin * dx) <= placement.height / 2;
}
