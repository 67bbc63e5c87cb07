// A line that shows how far some work is, with a button that stops it. It keeps its room while there is none.

export class ProgressLine {
  readonly #bar = document.createElement("progress");
  readonly #text = document.createElement("p");
  readonly #stop = document.createElement("button");
  #onStop = (): void => {};

  /** Fills the element. */
  constructor(private readonly element: HTMLElement) {
    element.classList.add("progress-line");
    this.#text.className = "hint";
    Object.assign(this.#stop, { type: "button", textContent: "Stop" });
    this.#stop.addEventListener("click", () => this.#onStop());
    element.append(this.#bar, this.#text, this.#stop);
    this.end("");
  }

  /** Work begins; the button calls `onStop`. */
  start(text: string, onStop: () => void): void {
    this.#onStop = onStop;
    this.element.dataset["working"] = "";
    this.#stop.disabled = false;
    this.#bar.removeAttribute("value");
    this.#bar.ariaLabel = text;
    this.#text.textContent = text;
  }

  show(share: number, text: string): void {
    this.#bar.value = share;
    this.#text.textContent = text;
  }

  /** The work is over, for the reason in the text. */
  end(text: string): void {
    delete this.element.dataset["working"];
    this.#stop.disabled = true;
    this.#text.textContent = text;
  }
}
