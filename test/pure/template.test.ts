// The template language of shaders/, and that every kernel uses it well.

import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { expect, test } from "vitest";
import { expandTemplate, inlineIncludes } from "../../src/gpu/template.ts";

const expanded = (lines: readonly string[], constants = {}) => expandTemplate(lines.join("\n"), constants).split("\n");

test("loops repeat their lines with numbers in place of names, and nest", () => {
  const lines = ["//for a in 0..2 {", "//for b in a..N {", "s$a_$b = $(10*(a+1)+b/2)u;", "//}", "//}", "end"];
  expect(expanded(["//let N = 2", ...lines])).toEqual(["//let N = 2", "s0_0 = 10u;", "s0_1 = 10u;", "s1_1 = 20u;", "end"]);
  expect(expanded(["//let N = 2", ...lines], { N: 0 })).toEqual(["//let N = 2", "end"]);
});

test("conditions keep one of their two parts, in loops too", () => {
  const lines = ["//let ONCE = 1", "//for k in 0..3 {", "  //if k%2 {", "odd $k", "  //} else {", "even $k", "  //}", "//}"];
  expect(expanded(lines).slice(1)).toEqual(["even 0", "odd 1", "even 2"]);
  const nested = [
    "//let A = 1",
    "//let B = 0",
    "//if A {",
    "//if B {",
    "both",
    "//} else {",
    "a",
    "//}",
    "//} else {",
    "none",
    "//}",
  ];
  expect(expanded(nested).slice(2)).toEqual(["a"]);
  expect(expanded(nested, { B: 1 }).slice(2)).toEqual(["both"]);
  expect(expanded(nested, { A: 0, B: 1 }).slice(2)).toEqual(["none"]);
  expect(expanded(["//if 0 {", "gone", "//}", "kept"])).toEqual(["kept"]);
});

test("includes are inserted with their indentation, and may include", () => {
  const files: Record<string, string> = { outer: "a {\n  //include inner\n}\n", inner: "b\n\nc\n", self: "//include self" };
  const textOf = (name: string): string => {
    const text = files[name];
    if (text === undefined) throw new Error(`no include ${name}`);
    return text;
  };
  expect(inlineIncludes("x\n  //include outer\ny", textOf)).toBe("x\n  a {\n    b\n\n    c\n  }\ny");
  expect(() => inlineIncludes("//include missing", textOf)).toThrow("no include missing");
  expect(() => inlineIncludes("//include self", textOf)).toThrow("template: self includes itself");
});

test.each([
  ["a loop without end", ["//for a in 0..2 {", "x"], '"//for a in 0..2 {" in line 1 has no end'],
  ["a condition without end", ["x", "//if 1 {", "//for a in 0..2 {", "//}"], '"//if 1 {" in line 2 has no end'],
  ["an end without start", ["x", "//}"], '"//}" is out of place or misspelt'],
  ["an else without condition", ["//} else {"], '"//} else {" is out of place'],
  ["a loop with an else", ["//for a in 0..1 {", "//} else {", "//}"], "has an else"],
  ["two elses", ["//if 0 {", "//} else {", "//} else {", "//}"], '"//} else {" is out of place'],
  ["a misspelt loop", ["//for a in 0 .. 2 {", "//}"], '"//for a in 0 .. 2 {" is out of place or misspelt'],
  ["a misspelt condition", ["//if A == 1 {", "//}"], '"//if A == 1 {" is out of place or misspelt'],
  ["an include that was not inserted", ["//include finish"], '"//include finish" is out of place or misspelt'],
  ["an unknown name", ["x$(a+1)"], "a in a+1 is neither a number nor a name in scope"],
  ["a bound that goes on", ["//for a in 0..2) {", "//}"], "2) goes on after its end"],
])("%s is refused", (_, lines, message) => {
  expect(() => expanded(lines)).toThrow(message);
});

test("a constant that a kernel does not declare is refused", () => {
  expect(() => expanded(["//let N = 2"], { M: 1 })).toThrow("template constant M is not declared");
});

const kernelFiles = ["shaders", "shaders/software"].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".wgsl"))
    .map((name) => `${folder}/${name}`),
);
const included = (name: string) => readFileSync(`shaders/include/${name}.wgsl`, "utf8");

test.each(kernelFiles)("%s: no loop stands for a condition, and blocks open and close their own braces", (path) => {
  const source = inlineIncludes(readFileSync(path, "utf8"), included);
  expect(source.match(/\/\/for \w+ in 0\.\.(ONCE|MANY|[01]) \{/g)).toBeNull();
  const text = (line: string) => line.replace(/\/\/.*/, "");
  const depths: number[] = [];
  for (const line of source.split("\n")) {
    const opened = text(line).split("{").length - text(line).split("}").length;
    if (/^\s*\/\/(for|if) .*\{$/.test(line)) depths.push(0);
    else if (/^\s*\/\/\}( else \{)?$/.test(line)) {
      expect(depths.pop()).toBe(0);
      if (line.includes("else")) depths.push(0);
    } else if (depths.length > 0) depths.push(depths.pop()! + opened);
  }
});

test("every include has a user", () => {
  const all = [...kernelFiles, ...readdirSync("shaders/include").map((name) => `shaders/include/${name}`)];
  const used = new Set(
    all.flatMap((path) => [...readFileSync(path, "utf8").matchAll(/\/\/include (\w+)/g)].map(([, name]) => name)),
  );
  expect([...used].sort()).toEqual(
    readdirSync("shaders/include")
      .map((name) => basename(name, ".wgsl"))
      .sort(),
  );
});
