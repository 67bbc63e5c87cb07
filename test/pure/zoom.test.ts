// The stage's zoom: what a point is under stays under it, and the picture never leaves the stage.

import { expect, test } from "vitest";
import { panned, showing, WHOLE, zoomed } from "../../src/demo/zoom.ts";

const ROOM = { stage: { width: 800, height: 500 }, picture: { width: 600, height: 500 } };

test("what lies at a point stays there", () => {
  const at = { x: 100, y: -50 };
  const zoom = zoomed(ROOM, WHOLE, 4, at);
  expect(zoom.factor).toBe(4);
  // The point of the picture at `at`, in px of the picture at factor 1, from its middle.
  expect([(at.x - zoom.x) / zoom.factor, (at.y - zoom.y) / zoom.factor]).toEqual([100, -50]);
  const back = zoomed(ROOM, zoom, 0.5, at);
  expect([(at.x - back.x) / back.factor, (at.y - back.y) / back.factor]).toEqual([100, -50]);
});

test("the factor is from 1 to 32, and at 1 the picture is in the middle", () => {
  const zoom = zoomed(ROOM, WHOLE, 1000, { x: 300, y: 200 });
  expect(zoom.factor).toBe(32);
  const { factor, x, y } = zoomed(ROOM, zoom, 1e-3, { x: -10, y: 7 });
  expect([factor, x + 0, y + 0]).toEqual([1, 0, 0]); // + 0: the sign of a zero does not matter
});

test("panning ends at the picture's borders; a side that is shorter than the stage stays in the middle", () => {
  const zoom = zoomed(ROOM, WHOLE, 2, { x: 0, y: 0 });
  expect(panned(ROOM, zoom, 1e6, -1e6)).toEqual({ factor: 2, x: 200, y: -250 });
  const little = zoomed(ROOM, WHOLE, 1.2, { x: 0, y: 0 });
  expect(panned(ROOM, little, 1e6, 1e6)).toEqual({ factor: 1.2, x: 0, y: 50 });
});

test("a point that is out of sight is brought into sight, one in sight moves nothing", () => {
  const zoom = zoomed(ROOM, WHOLE, 4, { x: 0, y: 0 });
  expect(showing(ROOM, zoom, { x: 0.5, y: 0.5 })).toEqual(zoom);
  const moved = showing(ROOM, zoom, { x: 1, y: 0.5 });
  const at = moved.x + 0.5 * 600 * 4;
  expect(at).toBeLessThanOrEqual(400);
  expect(at).toBeGreaterThan(300);
});
