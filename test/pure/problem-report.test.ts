// The report of a problem: all that helps, as plain text.

import { expect, test } from "vitest";
import { explain } from "../../src/demo/problems.ts";
import { MessageLog, reportText } from "../../src/demo/report.ts";

const situation = {
  ...{ version: "0.1.0 (abc)", userAgent: "Browser/1", hasWebGpu: true, messages: ["1.0 s  problem: x"] },
  settings: { address: "#view=play", tool: "sample" },
};

test("a report with a GPU holds its names, features and limits", () => {
  const gpu = { info: { vendor: "maker" }, features: ["subgroups", "timestamp-query"], limits: { maxBufferSize: 268435456 } };
  expect(reportText({ ...situation, gpu })).toBe(
    `Page: 0.1.0 (abc)
Browser: Browser/1
Settings:
  address: #view=play
  tool: sample
Last messages:
  1.0 s  problem: x
GPU:
  vendor: maker
  features: subgroups, timestamp-query
Limits:
  maxBufferSize: 268435456
`,
  );
});

test.each([
  [true, "has WebGPU"],
  [false, "has no WebGPU"],
])("a report without a GPU says whether there is WebGPU: %s", (hasWebGpu, says) => {
  expect(reportText({ ...situation, hasWebGpu, gpu: null })).toMatch(new RegExp(`GPU: none was opened; the browser ${says}\n$`));
});

test("the log keeps the last messages, each on one line and once where it is said again", () => {
  let ms = 0;
  const log = new MessageLog(2, () => (ms += 1000));
  for (const message of ["a", "b\nb", "b\nb", "c"]) log.add(message);
  expect(log.messages).toEqual(["2.0 s  b b", "3.0 s  c"]);
});

test("too little memory has a sentence of its own that says what to do", () => {
  expect(explain("memory", "a layer needs 900 MB: the largest maxSize that fits is 64", "Browser/1")).toBe(
    "There is too little memory for this. Close other tabs and programs, or choose a smaller size, then try again. A layer needs 900 MB: the largest maxSize that fits is 64.",
  );
});
