// The view Play: a source of pictures, one tool that works with it, the stage, and the strip of pictures.

import { byId, downloadRgb8 } from "./dom.ts";
import type { Place, Source, Tool } from "./features/feature.ts";
import { TOOLS } from "./features/tools.ts";
import type { Jobs } from "./jobs.ts";
import { Stage } from "./stage.ts";
import { Strip, type StripPicture } from "./strip.ts";

interface Hooks {
  /** By the kind of source: who does its work. */
  readonly jobs: Readonly<Record<Source["kind"], Jobs>>;
  say(text: string): void;
  showError(message: string | null): void;
  /** The source or the tool has changed. */
  onChange(): void;
}

export class Playground {
  readonly #stage = new Stage();
  readonly #strip = new Strip((shown) => this.#show(shown));
  readonly #panel = byId("panel", HTMLElement);
  readonly #details = byId("results-hint", HTMLElement);
  readonly #save = byId("save-sample", HTMLButtonElement);
  readonly #pin = byId("pin", HTMLButtonElement);
  readonly #delete = byId("delete", HTMLButtonElement);
  readonly #radios = new Map<Tool, HTMLInputElement>();
  #tool: Tool = TOOLS[0]!;
  #source: Source | null = null;
  #close = (): void => {};
  #shown: StripPicture | null = null;

  constructor(private readonly hooks: Hooks) {
    for (const tool of TOOLS) this.#addTool(tool);
    this.#save.addEventListener("click", () => this.#shown && void downloadRgb8(this.#shown.picture, this.#shown.file));
    this.#pin.addEventListener("click", () => {
      this.#strip.togglePin();
      this.#describePin();
    });
    this.#delete.addEventListener("click", () => this.#strip.remove());
  }

  get source(): Source | null {
    return this.#source;
  }

  get tool(): string {
    return this.#tool.id;
  }

  /** Works with another source, or with the same one when it has changed. */
  use(source: Source): void {
    this.#source = source;
    document.body.dataset["source"] = source.kind;
    if (this.#tool.refusal(source) !== null) this.#tool = TOOLS[0]!;
    for (const [tool, radio] of this.#radios) {
      const refusal = tool.refusal(source);
      radio.disabled = refusal !== null;
      (radio.parentElement as HTMLElement).title = refusal ?? "";
    }
    this.#openTool();
  }

  /** Changes the tool; an unknown name does nothing. */
  useTool(id: string): void {
    const tool = TOOLS.find((one) => one.id === id);
    if (!tool || tool === this.#tool || (this.#source && tool.refusal(this.#source) !== null)) return;
    this.#tool = tool;
    if (this.#source) this.#openTool();
  }

  #addTool(tool: Tool): void {
    const [label, radio] = [document.createElement("label"), document.createElement("input")];
    Object.assign(radio, { type: "radio", name: "tool", value: tool.id, checked: tool === this.#tool });
    label.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${tool.icon}"/></svg>`;
    label.prepend(radio);
    label.append(tool.label);
    byId("tools", HTMLElement).append(label);
    this.#radios.set(tool, radio);
    radio.addEventListener("change", () => this.useTool(tool.id));
  }

  #openTool(): void {
    const source = this.#source!;
    this.#close();
    this.hooks.showError(null);
    this.#radios.get(this.#tool)!.checked = true;
    this.#panel.innerHTML = this.#tool.panel;
    this.#panel.ariaLabel = this.#tool.label;
    this.#close = this.#tool.open(this.#placeOf(source));
    this.hooks.onChange();
  }

  #placeOf(source: Source): Place {
    const { say, showError } = this.hooks;
    return { source, say, showError, stage: this.#stage, strip: this.#strip, run: this.runOf(source) };
  }

  /** Has work done with a source, as Place.run. Replies come as long as the source is the open one. */
  runOf(source: Source): Place["run"] {
    const { jobs, showError } = this.hooks;
    const isCurrent = (): boolean => source === this.#source;
    return async (feature, request, onReply) => {
      showError(null);
      try {
        return await jobs[source.kind].run(source.id, feature, request, (reply) => isCurrent() && onReply(reply));
      } catch (error) {
        const { message } = error as Error;
        if (isCurrent()) showError(`${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? "" : "."}`);
        return false;
      }
    };
  }

  #show(shown: StripPicture | null): void {
    this.#shown = shown;
    for (const button of [this.#save, this.#pin, this.#delete]) button.disabled = shown === null;
    this.#describePin();
    this.#details.textContent = shown?.details ?? "";
    if (shown) this.#stage.show(shown.picture, shown.details);
  }

  #describePin(): void {
    this.#pin.ariaPressed = String(this.#strip.isPinned);
  }
}
