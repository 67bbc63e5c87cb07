// The view "How fast is this GPU?": measures it in the worker, and shows it beside stored results, and one from a link.

import { byId, copyText } from "./dom.ts";
import type { Report, Request } from "./protocol.ts";
import { type AdapterSpeed, figure, readResult, STEPS, type StoredStep, shortName, storedSpeeds, writeResult } from "./speed.ts";

/** Written by build.mjs from bench/results. */
const STORED = "benchmarks.json";

interface Hooks {
  send(request: Request): void;
  /** Why there can be no measurement now; null where there can. */
  refusal(): string | null;
  showError(message: string | null): void;
  say(text: string): void;
}

export class BenchmarkPage {
  readonly #measure = byId("measure", HTMLButtonElement);
  readonly #copy = byId("copy-result", HTMLButtonElement);
  readonly #progress = byId("measure-progress", HTMLProgressElement);
  readonly #status = byId("measure-status", HTMLElement);
  #adapter: string | null = null;
  #isMeasuring = false;
  #own: AdapterSpeed | null = null;
  #shared: AdapterSpeed | null = null;
  #stored: readonly AdapterSpeed[] = [];
  #isLoaded = false;

  constructor(private readonly hooks: Hooks) {
    this.#measure.addEventListener("click", () => this.#toggle());
    this.#copy.addEventListener("click", () => {
      const own = this.#own!;
      void copyText(`${location.href.replace(/#.*/, "")}#view=benchmark&${writeResult(own)}`).then((isCopied) => {
        this.#status.textContent = isCopied ? "Copied. The link holds the name of the GPU and these figures." : "";
      });
    });
    const head = byId("speeds-head", HTMLTableRowElement);
    for (const { label } of STEPS) head.append(cell("th", label));
  }

  /** The view is shown, with this address. */
  show(hash: string): void {
    this.#shared = readResult(hash);
    this.#fill();
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    void fetch(STORED)
      .then((answer) => answer.json() as Promise<StoredStep[]>)
      .then((stored) => {
        this.#stored = storedSpeeds(stored);
        this.#fill();
      })
      .catch(() => this.hooks.showError("The stored results could not be loaded."));
  }

  #toggle(): void {
    if (this.#isMeasuring) {
      this.#status.textContent = "Stopping …";
      this.hooks.send({ kind: "endMeasuring" });
      return;
    }
    const refusal = this.hooks.refusal();
    this.hooks.showError(refusal);
    if (refusal !== null) return;
    this.#enter(true);
    this.#progress.value = 0;
    this.#status.textContent = "Measuring …";
    this.hooks.send({ kind: "measure" });
  }

  #enter(isMeasuring: boolean): void {
    this.#isMeasuring = isMeasuring;
    this.#progress.hidden = !isMeasuring;
    this.#measure.textContent = isMeasuring ? "Stop" : "Measure this GPU";
    this.#copy.disabled = isMeasuring || this.#own === null;
  }

  readonly receivers: { readonly [K in Report["kind"]]?: (report: Report & { kind: K }) => void } = {
    gpu: ({ name }) => {
      this.#adapter = name;
    },
    measuring: ({ share }) => {
      this.#progress.value = share;
    },
    measured: ({ speeds }) => {
      if (speeds.length > 0) this.#own = { adapter: shortName(this.#adapter!), where: "this browser, now", speeds };
      this.#enter(false);
      this.#status.textContent = speeds.length > 0 ? "Measured." : "Stopped.";
      this.hooks.say(this.#status.textContent);
      this.#fill();
    },
  };

  #fill(): void {
    const rows: (readonly [AdapterSpeed, string])[] = [
      ...(this.#own ? [[this.#own, "own"] as const] : []),
      ...(this.#shared ? [[this.#shared, "shared"] as const] : []),
      ...this.#stored.map((one) => [one, "stored"] as const),
    ];
    const titles: Readonly<Record<string, string>> = { own: "Yours: ", shared: "Somebody’s result: ", stored: "" };
    byId("speeds", HTMLTableSectionElement).replaceChildren(
      ...rows.map(([{ adapter, where, speeds }, kind]) => {
        const row = document.createElement("tr");
        row.dataset["kind"] = kind;
        const head = cell("th", `${titles[kind]}${adapter}`);
        head.setAttribute("scope", "row");
        const hint = document.createElement("span");
        hint.textContent = where;
        head.append(hint);
        row.append(head);
        for (const { shape } of STEPS) {
          const speed = speeds.find((one) => one.shape === shape);
          row.append(cell("td", speed ? `${figure(speed.perSecond)} steps/s, ${figure(speed.gflops)} GFLOP/s` : "–"));
        }
        return row;
      }),
    );
  }
}

function cell(kind: "th" | "td", text: string): HTMLElement {
  const element = document.createElement(kind);
  element.textContent = text;
  return element;
}
