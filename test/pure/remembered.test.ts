// What a tool begins with when it is opened again.

import { expect, test } from "vitest";
import { Remembered } from "../../src/demo/features/remembered.ts";

test("all settings of a tool stay while its source is open; with another one those that mean the same there", () => {
  const remembered = new Remembered();
  expect(remembered.of("sample", "a")).toEqual({});
  const settings = { number: "7", change: "1", keep: "1,2,3,4", kept: "yes", ink: "3", brush: "9", width: "40", seamless: "x" };
  remembered.keep("sample", "a", settings);
  expect(remembered.of("sample", "a")).toEqual(settings);
  expect(remembered.of("sample", "b")).toEqual({ width: "40", seamless: "x" });
  expect(remembered.of("paint", "a")).toEqual({});
  remembered.keep("sample", "b", { number: "1" });
  expect(remembered.of("sample", "a")).toEqual({});
});
