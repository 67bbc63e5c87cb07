// The part of the address that restores Play: what is written is read, and what is unknown or impossible is left out.

import fc from "fast-check";
import { expect, test } from "vitest";
import { type PlayLink, readPlayLink, writePlayLink } from "../../src/demo/address.ts";

const KNOWN = { models: ["tulips", "clouds"], photos: ["tulips", "citrus"], tools: ["sample", "paint"] };
const whole = (low: number, high: number) => fc.integer({ min: low, max: high }).map(String);
const settings = fc.record(
  {
    number: whole(0, 2 ** 32 - 1),
    change: whole(0, 99),
    width: whole(25, 2048),
    height: whole(25, 2048),
    seamless: fc.constantFrom("x", "y", "both"),
    factor: fc.constantFrom("1.2", "2", "6.85", "8"),
    details: fc.constant("none"),
    alpha: fc.constantFrom("0", "0.1", "0.55", "1"),
    beta: fc.constantFrom("0", "0.9", "1"),
    frames: whole(2, 300),
    fps: whole(1, 50),
    loop: fc.constant("no"),
  },
  { requiredKeys: [] },
);
const source = fc.constantFrom({ kind: "model", name: "clouds" } as const, { kind: "photo", name: "citrus" } as const, undefined);

test("what is written is read, whatever else the address holds", () => {
  const isOfOwn = fc.boolean();
  const link = fc.record({ source, isOfOwn, tool: fc.constantFrom(...KNOWN.tools), settings });
  fc.assert(
    fc.property(link, ({ source: named, isOfOwn: own, ...rest }) => {
      const wanted: PlayLink = { ...(named ? { source: named } : own && { isOfOwn: own }), ...rest };
      expect(readPlayLink(`#view=play&seed=3&photo=tulips&${writePlayLink(wanted)}`, KNOWN)).toEqual(wanted);
    }),
  );
});

test.each([
  "",
  "#",
  "#view=train&photo=tulips&seed=3&maxSize=64",
  "#model=elsewhere",
  "#instant=https://a.b/c.png&tool=constructor",
])("an address that says nothing of Play: %s", (hash) => expect(readPlayLink(hash, KNOWN)).toBeNull());

test("impossible values are left out", () => {
  const given = "#model=clouds&number=-1&change=1e1&width=24&height=2049&seamless=__proto__&keep=data:image/png,x";
  expect(readPlayLink(given, KNOWN)).toEqual({ source: { kind: "model", name: "clouds" }, settings: {} });
  const decimals = "#tool=paint&factor=1.1&alpha=1.01&beta=.5&frames=1&fps=51&loop=yes&details=1e0";
  expect(readPlayLink(decimals, KNOWN)).toEqual({ tool: "paint", settings: {} });
  expect(readPlayLink("#number=4294967296&width=30", KNOWN)).toEqual({ settings: { width: "30" } });
});

test("only known settings with possible values are written, so no picture can be", () => {
  const given = { number: "3", change: "", width: "none", photo: "data:image/png;base64,AAAA" };
  expect(writePlayLink({ tool: "sample", settings: given })).toBe("tool=sample&number=3");
});
