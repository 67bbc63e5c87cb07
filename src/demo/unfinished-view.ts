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
  #isRunning = false;

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
    this.#text.textContent = kept && `Training of ${kept.name} stopped at ${percent(kept)}. It is kept in this browser.`;
    this.#bar.hidden = kept === null || this.#isRunning;
  }

  /** The bar is hidden while a training runs. Its buttons are enabled where one can start. */
  setState(isRunning: boolean, canStart: boolean): void {
    this.#isRunning = isRunning;
    this.#bar.hidden = this.#kept === null || isRunning;
    for (const button of this.#buttons) button.disabled = !canStart;
  }

  /** Asks the visitor where there is something to lose. */
  mayBeDiscarded(): boolean {
    const kept = this.#kept;
    return kept === null || confirm(`Give up the unfinished training of ${kept.name}, ${percent(kept)} done?`);
  }
}

/** The done share of a training, rounded down: an unfinished one never has 100 %. */
const percent = ({ share }: Unfinished): string => `${Math.floor(100 * share)} %`;
