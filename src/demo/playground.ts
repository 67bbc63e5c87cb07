// The view Play: a source of pictures, one tool that works with it, the stage, and the strip of pictures.

import type { PlayLink } from "./address.ts";
import { byId, download, downloadRgb8, showPicture } from "./dom.ts";
import type { Place, Source, Tool } from "./features/feature.ts";
import type { FeatureName } from "./features/messages.ts";
import { Remembered } from "./features/remembered.ts";
import { TOOLS } from "./features/tools.ts";
import { makeFile } from "./files.ts";
import type { Jobs } from "./jobs.ts";
import { exampleUrl } from "./photo.ts";
import { Stage } from "./stage.ts";
import { Strip, type StripPicture } from "./strip.ts";

interface Hooks {
  /** By the kind of source: who does its work. */
  readonly jobs: Readonly<Record<Source["kind"], Jobs>>;
  say(text: string): void;
  showError(message: string | null): void;
  /** The source or the tool has changed. */
  onChange(): void;
  /** The visitor wants a model of the photo that is open. */
  train: Place["train"];
}

export class Playground {
  readonly #stage = new Stage();
  readonly #strip = new Strip(
    (shown) => this.#show(shown),
    (label) => {
      if (this.#shown) this.#details.textContent = `${this.#shown.details} ${label} is being made …`;
    },
  );
  readonly #panel = byId("panel", HTMLElement);
  readonly #beside = byId("beside", HTMLElement);
  readonly #besidePicture = byId("beside-picture", HTMLCanvasElement);
  readonly #details = byId("results-hint", HTMLElement);
  readonly #save = byId("save-sample", HTMLButtonElement);
  readonly #saveAll = byId("save-all", HTMLButtonElement);
  readonly #pin = byId("pin", HTMLButtonElement);
  readonly #delete = byId("delete", HTMLButtonElement);
  readonly #radios = new Map<Tool, HTMLInputElement>();
  readonly #remembered = new Remembered();
  #tool: Tool = TOOLS[0]!;
  #source: Source | null = null;
  #close = (): void => {};
  #shown: StripPicture | null = null;
  #isZipping = false;

  constructor(private readonly hooks: Hooks) {
    for (const tool of TOOLS) this.#addTool(tool);
    WIDE.addEventListener("change", () => this.#showSplit());
    this.#save.addEventListener("click", () => this.#shown && void downloadRgb8(this.#shown.picture, this.#shown.file));
    this.#saveAll.addEventListener("click", () => void this.#downloadAll());
    this.#pin.addEventListener("click", () => {
      this.#strip.togglePin();
      this.#describePin();
    });
    this.#delete.addEventListener("click", () => this.#strip.remove());
  }

  get source(): Source | null {
    return this.#source;
  }

  /** Whether the visitor has drawn, edited or pinned something that this tab alone has. */
  get hasWork(): boolean {
    return this.#strip.hasPinned || TOOLS.some((tool) => this.#source && tool.hasWork?.(this.#source));
  }

  get tool(): string {
    return this.#tool.id;
  }

  /** The tool's settings. */
  get settings(): Readonly<Record<string, string>> {
    return (this.#source && this.#tool.refusal(this.#source) === null && this.#tool.settings?.()) || {};
  }

  /** Works with another source, or with the same one when it has changed; a link may say with which tool and settings. */
  use(source: Source, { tool, settings }: Partial<PlayLink> = {}): void {
    const isOther = source.id !== this.#source?.id;
    this.#source = source;
    this.#tool = TOOLS.find(({ id }) => id === tool) ?? (isOther ? TOOLS[0]! : this.#tool);
    document.body.dataset["source"] = source.kind;
    for (const [tool, radio] of this.#radios)
      (radio.parentElement as HTMLElement).classList.toggle("refused", tool.refusal(source) !== null);
    this.#openTool(settings);
  }

  /** Shows the photo of the source, in the place of what was there, until there is a picture of it. */
  showPhoto(): void {
    const { name, photo } = this.#source!;
    this.#show(null);
    this.#stage.show(photo, `The photo ${name}`);
    this.#details.textContent = "The photo. Pictures like it are being made …";
  }

  /** Shows a photo of the page in the place of the pictures that the page comes with, until there is a picture of a link. */
  showLinked(name: string): void {
    Object.assign(byId("stored", HTMLImageElement), { src: exampleUrl(name), alt: `The photo ${name}` });
    this.#strip.removeStored();
    this.#details.textContent = `The photo ${name}.`;
  }

  /** Changes the tool; an unknown name does nothing. */
  useTool(id: string): void {
    const tool = TOOLS.find((one) => one.id === id);
    if (!tool || tool === this.#tool) return;
    this.#tool = tool;
    if (this.#source) this.#openTool();
  }

  #addTool(tool: Tool): void {
    const [label, radio] = [document.createElement("label"), document.createElement("input")];
    Object.assign(radio, { type: "radio", name: "tool", value: tool.id, checked: tool === this.#tool });
    label.append(radio, iconOf(tool), tool.label);
    byId("tools", HTMLElement).append(label);
    this.#radios.set(tool, radio);
    radio.addEventListener("change", () => this.useTool(tool.id));
  }

  /** Without settings of a link it begins with those that the visitor has left. */
  #openTool(settings?: Place["settings"]): void {
    const source = this.#source!;
    this.#close();
    this.hooks.showError(null);
    this.#beside.hidden = true;
    this.#radios.get(this.#tool)!.checked = true;
    this.#panel.scrollTop = 0;
    this.#panel.ariaLabel = this.#tool.label;
    this.hooks.onChange();
    const refusal = this.#tool.refusal(source);
    if (refusal === null) this.#openPanel(source, settings ?? this.#remembered.of(this.#tool.id, source.id));
    else this.#refuse(source, refusal);
  }

  #openPanel(source: Source, settings: Place["settings"]): void {
    this.#panel.replaceChildren(byId(`panel-${this.#tool.id}`, HTMLTemplateElement).content.cloneNode(true));
    this.#beside.hidden = !this.#tool.isSplit;
    this.#clearBeside();
    const tool = this.#tool;
    const { place, end } = this.#placeOf(source, settings);
    const close = tool.open(place);
    this.#close = () => {
      this.#remembered.keep(tool.id, source.id, tool.settings?.() ?? {});
      close();
      end();
      this.#strip.onFrame = () => {};
    };
  }

  /** Says in the place of the tool's controls why it can't work with the source, and what helps. */
  #refuse(source: Source, why: string): void {
    this.#close = () => {};
    const text = document.createElement("p");
    text.textContent = why;
    const train = document.createElement("button");
    Object.assign(train, { type: "button", className: "primary", textContent: "Train on this photo" });
    train.addEventListener("click", () => this.hooks.train());
    this.#panel.replaceChildren(text, ...(source.kind === "photo" ? [train] : []));
    this.#strip.expect([], source.photo);
    this.#show(null);
    this.#stage.show(source.photo, `The photo ${source.name}`);
    this.#details.textContent = `The photo ${source.name}.`;
    this.hooks.say(why);
  }

  /** A place for the tool, and what ends its jobs: the next tool's pictures come into the same strip. */
  #placeOf(source: Source, settings: Place["settings"]): { readonly place: Place; end(): void } {
    const { jobs, say, showError, train } = this.hooks;
    const features = new Set<FeatureName>();
    let isOpen = true;
    const run = this.#runOf(source, () => isOpen && source === this.#source);
    const isSplit = (): boolean => this.#isSplit;
    const place: Place = {
      get isSplit() {
        return isSplit();
      },
      ...{ source, settings, say, showError, train, stage: this.#stage, strip: this.#strip },
      cancel: (feature) => jobs[source.kind].cancel(feature),
      run: (feature, request, onReply) => {
        features.add(feature);
        return run(feature, request, onReply);
      },
    };
    const end = (): void => {
      isOpen = false;
      for (const feature of features) jobs[source.kind].cancel(feature);
    };
    return { place, end };
  }

  /** Has work done with a source, as Place.run. Replies come as long as the source is the open one. */
  runOf(source: Source): Place["run"] {
    return this.#runOf(source, () => source === this.#source);
  }

  #runOf(source: Source, isWanted: () => boolean): Place["run"] {
    const { jobs, showError } = this.hooks;
    return async (feature, request, onReply) => {
      showError(null);
      try {
        return await jobs[source.kind].run(source.id, feature, request, (reply) => isWanted() && onReply(reply));
      } catch (error) {
        const { message } = error as Error;
        if (isWanted()) this.#strip.giveUp();
        if (isWanted()) showError(`${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? "" : "."}`);
        return false;
      }
    };
  }

  /** All pictures of the strip in one zip. */
  async #downloadAll(): Promise<void> {
    if (this.#isZipping) return;
    this.#isZipping = true;
    const pictures = this.#strip.pictures.map(({ picture, file }) => ({ picture, file }));
    const name = `${this.#source!.name}-pictures.zip`;
    try {
      download((await makeFile({ kind: "zip", pictures }))!, name);
      this.hooks.showError(null);
      this.hooks.say(`${name} has ${pictures.length} pictures.`);
    } catch (error) {
      this.hooks.showError((error as Error).message);
    }
    this.#isZipping = false;
  }

  #show(shown: StripPicture | null): void {
    this.#shown = shown;
    for (const button of [this.#save, this.#saveAll, this.#pin, this.#delete]) button.disabled = shown === null;
    if (shown?.isOwn) this.#pin.disabled = this.#delete.disabled = true;
    this.#describePin();
    const none = this.#strip.isWaiting ? "More pictures are being made …" : "All pictures are deleted.";
    this.#details.textContent = shown?.details ?? none;
    if (!shown) return;
    if (shown.isOwn && this.#strip.expected === 1) this.#clearBeside(); // nothing is made of it
    if (shown.isOwn || !this.#isSplit) this.#stage.show(shown.onStage?.() ?? shown.picture, shown.details);
    else this.#showBeside(shown);
  }

  get #isSplit(): boolean {
    return !this.#beside.hidden && WIDE.matches;
  }

  #clearBeside(): void {
    delete this.#besidePicture.dataset["filled"];
    byId("beside-label", HTMLElement).textContent = "The result appears here.";
  }

  #showBeside({ picture, label, details }: StripPicture): void {
    showPicture(this.#besidePicture, picture);
    this.#besidePicture.ariaLabel = details;
    this.#beside.style.setProperty("--shape", `${picture.width} / ${picture.height}`);
    byId("beside-label", HTMLElement).textContent = label;
  }

  /** The window has become so wide that there is room beside the stage, or narrower than that. */
  #showSplit(): void {
    const own = this.#strip.pictures.find(({ isOwn }) => isOwn);
    if (this.#beside.hidden || !own || !this.#shown) return;
    if (this.#isSplit) this.#stage.show(own.picture, own.details);
    this.#show(this.#shown);
  }

  #describePin(): void {
    this.#pin.ariaPressed = String(this.#strip.isPinned);
    this.#pin.textContent = this.#strip.isPinned ? "Unpin" : "Pin";
  }
}

/** As in styles/play.css. */
const WIDE = matchMedia("(min-width: 960px)");
const SVG = "http://www.w3.org/2000/svg";

function iconOf({ icon }: Tool): SVGElement {
  const [svg, path] = [document.createElementNS(SVG, "svg"), document.createElementNS(SVG, "path")];
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", icon);
  svg.append(path);
  return svg;
}
