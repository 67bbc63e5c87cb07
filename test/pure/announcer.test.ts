// What the page says to screen readers, and what it takes back.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Announcer } from "../../src/demo/dom.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("news of what is not shown any more is taken back, also while it waits; what matters stays", () => {
  const element = { textContent: "" } as HTMLElement;
  const announcer = new Announcer(element, 8000);
  announcer.say("8 pictures of clouds are ready.");
  announcer.retract();
  expect(element.textContent).toBe("");
  announcer.say("4 results are ready.");
  announcer.retract();
  vi.advanceTimersByTime(8000);
  expect(element.textContent).toBe("");
  announcer.say("The model tulips is open.", true);
  announcer.retract();
  expect(element.textContent).toBe("The model tulips is open.");
  announcer.say("The training of clouds has ended.", true);
  announcer.retract();
  vi.advanceTimersByTime(8000);
  expect(element.textContent).toBe("The training of clouds has ended.");
});

test("what matters is said although less important news comes after it", () => {
  const element = { textContent: "" } as HTMLElement;
  const announcer = new Announcer(element, 8000);
  announcer.say("Scale 3 of 3, iteration 40 of 40");
  announcer.say("Done. Make as many new pictures as you like.", true);
  announcer.say("8 pictures of tulips are ready.");
  vi.advanceTimersByTime(8000);
  expect(element.textContent).toBe("Done. Make as many new pictures as you like.");
});
