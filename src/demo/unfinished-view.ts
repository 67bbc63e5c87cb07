// The bar that offers to continue the unfinished training that this browser keeps.

import { byId } from "./dom.ts";
import type { Unfinished } from "./protocol.ts";

export interface UnfinishedChoices {
  goOn(kept: Unfinished): void;
  discard(): void;
}

export class UnfinishedView {
  readonly #bar = byId("unfinished", HTMLElement);
  readonly #text = byId("unfinished-text", HTMLElement);
  readonly #buttons = [byId("continue", HTMLButtonElement), byId("discard", HTMLButtonElement)] as const;
  #kept: Unfinished | null = null;
  #isHidden = false;

  constructor(choices: UnfinishedChoices) {
    const [goOn, discard] = this.#buttons;
    goOn.addEventListener("click", () => this.#kept && choices.goOn(this.#kept));
    discard.addEventListener("click", () => this.mayBeDiscarded() && choices.discard());
  }

  get kept(): Unfinished | null {
    return this.#kept;
  }

  show(kept: Unfinished | null): void {
    this.#kept = kept;
    if (kept) this.#describe(kept);
    this.#update();
  }

  /** Says that a training which is being stopped will be kept: at once, so that nothing moves later. */
  expect(stopping: Pick<Unfinished, "name" | "share">): void {
    this.#describe(stopping);
    this.#bar.hidden = false;
    this.#bar.scrollIntoView({ block: "nearest" }); // Stop is far below it
  }

  /** The buttons are enabled where a training can start. */
  setState(isHidden: boolean, canContinue: boolean): void {
    this.#isHidden = isHidden;
    for (const button of this.#buttons) button.disabled = !canContinue;
    this.#update();
  }

  #describe(one: Pick<Unfinished, "name" | "share">): void {
    this.#text.textContent = `Training of ${one.name} stopped at ${percent(one)}. It is kept in this browser.`;
  }

  #update(): void {
    this.#bar.hidden = this.#kept === null || this.#isHidden;
  }

  /** Asks the visitor where there is something to lose. */
  mayBeDiscarded(): boolean {
    const kept = this.#kept;
    return kept === null || confirm(`Give up the unfinished training of ${kept.name}, ${percent(kept)} done?`);
  }
}

/** The done share of a training, rounded down: an unfinished one never has 100 %. */
const percent = ({ share }: Pick<Unfinished, "share">): string => `${Math.floor(100 * share)} %`;
