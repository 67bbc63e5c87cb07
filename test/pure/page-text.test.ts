// The page never makes HTML of text: names and metadata of files could hold markup.

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const MAKES_HTML = /innerHTML|outerHTML|insertAdjacentHTML|setHTML|document\.write|DOMParser|createContextualFragment|srcdoc/;

const FILES = readdirSync("src/demo", { encoding: "utf8", recursive: true }).filter((name) => name.endsWith(".ts"));

test.each(FILES)("src/demo/%s makes no HTML of text", (name) => {
  expect(readFileSync(`src/demo/${name}`, "utf8")).not.toMatch(MAKES_HTML);
});
