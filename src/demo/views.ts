// The views of the page: three, and the benchmark that the footer links. The address names the one that is shown (#view=train), and keeps the
// settings of Train beside it. It may also name a panel of the view (#view=how&panel=patch for the element #how-patch): what a "?" in a tool links to.

import { byId } from "./dom.ts";

const NAMES = ["play", "train", "how", "benchmark"] as const;
export type ViewName = (typeof NAMES)[number];

/** Panels fill as they come into view, which moves those below; the place is kept for so long, or until the visitor does something. */
const KEEP_MS = 3000;

/** Where keyboard and screen reader go on. */
function goTo(panel: HTMLElement | null): void {
  if (!panel) return;
  panel.focus({ preventScroll: true });
  const filling = new ResizeObserver(() => panel.scrollIntoView({ block: "start" }));
  filling.observe(document.body);
  const end = (): void => filling.disconnect();
  for (const input of ["wheel", "pointerdown", "keydown"]) addEventListener(input, end, { once: true });
  setTimeout(end, KEEP_MS);
}

export class Views {
  #shown: ViewName = "play";
  /** The settings in the address, without the view. */
  #rest = "";

  get shown(): ViewName {
    return this.#shown;
  }

  /** Shows what the address says, and returns the rest of it. */
  read(): string {
    const given = new URLSearchParams(location.hash.replace(/^#/, ""));
    const name = given.get("view");
    const panel = given.get("panel");
    given.delete("view");
    given.delete("panel");
    const rest = given.toString();
    // A link to a panel says nothing of the settings: they stay.
    if (panel === null || rest !== "") this.#rest = rest;
    this.#open(NAMES.find((one) => one === name) ?? "play");
    if (panel !== null) goTo(document.getElementById(`${this.#shown}-${panel}`));
    return this.#rest;
  }

  show(name: ViewName): void {
    this.#open(name);
    this.#write();
  }

  /** Replaces the settings in the address. */
  write(rest: string): void {
    this.#rest = rest;
    this.#write();
  }

  #write(): void {
    history.replaceState(null, "", `#${this.#hashOf(this.#shown)}`);
    this.#link();
  }

  #hashOf = (name: ViewName): string => [`view=${name}`, ...(this.#rest ? [this.#rest] : [])].join("&");

  #open(name: ViewName): void {
    const isOther = name !== this.#shown;
    const hadFocus = byId(this.#shown, HTMLElement).contains(document.activeElement);
    if (isOther) scrollTo(0, 0);
    this.#shown = name;
    document.body.dataset["view"] = name;
    for (const one of NAMES) byId(one, HTMLElement).hidden = one !== name;
    // What had the focus is hidden, but the visitor is still here.
    if (isOther && hadFocus)
      byId(name, HTMLElement).querySelector<HTMLElement>("input:checked, button:enabled")?.focus({ preventScroll: true });
    this.#link();
  }

  #link(): void {
    for (const one of NAMES) {
      const link = byId(`to-${one}`, HTMLAnchorElement);
      link.href = `#${this.#hashOf(one)}`;
      if (one === this.#shown) link.ariaCurrent = "page";
      else link.removeAttribute("aria-current");
    }
  }
}
