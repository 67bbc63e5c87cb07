// The dialog of models: those of the page, those that this browser keeps, and the bundled photos; and the button in the header that opens it.

import { byId, canvasOf, showPicture } from "./dom.ts";
import type { Source } from "./features/feature.ts";
import type { KeptModel } from "./kept-models.ts";
import type { Library, Whereabouts } from "./library.ts";
import { EXAMPLES, exampleUrl, type Photo } from "./photo.ts";
import { SHIPPED, shippedSizes } from "./shipped.ts";

interface Hooks {
  openFile(): void;
  openPhoto(name: string): void;
  openOwn(photo: Photo): void;
  download(): void;
  /** The dialog is open, and needs the list of kept models. */
  onOpen(): void;
}

const WORDS: Readonly<Record<Whereabouts, string>> = {
  shipped: "comes with this page",
  file: "in a file",
  kept: "kept in this browser",
  unfinished: "not finished",
  nowhere: "not saved",
};

const megabytes = (bytes: number): string => (bytes < 1e5 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);
const button = (id: string) => byId(id, HTMLButtonElement);

export class ModelsDialog {
  readonly #dialog = byId("models", HTMLDialogElement);
  readonly #kept = byId("kept-models", HTMLUListElement);
  readonly #keep = button("keep-model");
  #source: Source | null = null;
  /** The visitor's own photo among the photos. */
  #own: HTMLLIElement | null = null;
  /** The key of the model that will be deleted when the dialog is closed, or another one is deleted. */
  #deleting: string | null = null;

  constructor(
    private readonly library: Library,
    private readonly hooks: Hooks,
  ) {
    button("document").addEventListener("click", () => this.#open());
    button("close-models").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => this.#endDeleting());
    this.#dialog.addEventListener("click", ({ target }) => target === this.#dialog && this.#dialog.close()); // beside it
    button("open-file").addEventListener("click", () => {
      this.#dialog.close();
      hooks.openFile();
    });
    button("save-model").addEventListener("click", () => hooks.download());
    this.#keep.addEventListener("click", () => this.#source && library.keep(this.#source));
    const photos = EXAMPLES.map(([name, description]) => {
      const image = thumbnailOf(name);
      const details = document.createElement("span");
      const tell = (): string => (details.textContent = `${description}, ${image.naturalWidth}×${image.naturalHeight} px`);
      if (image.complete) tell();
      image.addEventListener("load", tell);
      return this.#item(image, name, details, () => hooks.openPhoto(name));
    });
    byId("photo-sources", HTMLUListElement).append(...photos);
  }

  /** Shows the source that is open. */
  describe(source: Source | null): void {
    this.#source = source;
    const whereabouts = source && this.library.whereabouts(source);
    const state = whereabouts ? WORDS[whereabouts] : source ? "a photo, no model" : "";
    byId("document-name", HTMLElement).textContent = source?.name ?? "Models";
    byId("document-state", HTMLElement).textContent = state;
    byId("models-current", HTMLElement).textContent = source ? `Open: ${source.name}, ${state}.` : "No model is open.";
    const canvas = byId("document-picture", HTMLCanvasElement);
    canvas.hidden = source === null;
    if (source) showPicture(canvas, source.photo);
    button("save-model").disabled = source?.kind !== "model";
    this.#keep.disabled = source?.kind !== "model" || whereabouts === "kept" || whereabouts === "shipped";
    if (this.#dialog.open) this.#list();
  }

  #open(): void {
    this.#dialog.showModal();
    this.#list();
    void this.#listShipped();
    this.hooks.onOpen();
  }

  #listOwn(): void {
    const { own } = this.library;
    this.#own?.remove();
    this.#own = null;
    if (!own) return;
    const details = document.createElement("span");
    details.textContent = `your photo, ${own.picture.width}×${own.picture.height} px, in this tab only`;
    const picture = canvasOf(own.picture, "");
    picture.ariaHidden = "true"; // beside its name
    const isOpen = this.#source !== null && this.library.trainableOf(this.#source)?.name === own.name;
    this.#own = this.#item(picture, own.name, details, () => this.hooks.openOwn(own), isOpen);
    byId("photo-sources", HTMLUListElement).prepend(this.#own);
  }

  #list(): void {
    this.#listOwn();
    const { kept, trouble } = this.library;
    const hint = byId("kept-hint", HTMLElement);
    hint.textContent = trouble
      ? `This browser keeps no models (${trouble}). Download what you want to keep.`
      : "None yet. A model that you train is kept here by itself.";
    hint.hidden = kept === null || kept.length > 0;
    const focused = [...this.#kept.children].find((item) => item.contains(document.activeElement)) as HTMLElement | undefined;
    this.#kept.replaceChildren(...(kept ?? []).map((model) => this.#keptItem(model)));
    if (!focused) return;
    // What had the focus is gone, but the visitor is still here.
    const same = [...this.#kept.querySelectorAll("li")].find(({ dataset }) => dataset["key"] === focused.dataset["key"]);
    const next = same?.querySelector("button:last-child") ?? this.#kept.querySelector("button:enabled") ?? button("close-models");
    (next as HTMLButtonElement).focus();
  }

  #keptItem(model: KeptModel): HTMLLIElement {
    const details = document.createElement("span");
    const date = new Date(model.keptAt).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    details.textContent = `${model.width}×${model.height} px, ${megabytes(model.bytes)}, ${date}`;
    const picture = canvasOf(model.thumbnail, model.name);
    picture.ariaHidden = "true"; // beside its name
    const isOpen = this.#source !== null && this.library.keyOf(this.#source) === model.key;
    const item = this.#item(picture, model.name, details, () => this.library.openKept(model), isOpen);
    item.dataset["key"] = model.key;
    const isDeleted = this.#deleting === model.key;
    if (isDeleted) details.textContent = "Deleted when you close this.";
    item.querySelector("button")!.disabled = isDeleted;
    const remove = document.createElement("button");
    const [word, all] = isDeleted ? ["Undo", `Keep ${model.name}`] : ["Delete", `Delete ${model.name}, ${date}`];
    Object.assign(remove, { type: "button", textContent: word, ariaLabel: all });
    remove.addEventListener("click", () => {
      if (isDeleted) this.#undoDeleting();
      else this.#startDeleting(model.key);
    });
    item.append(remove);
    return item;
  }

  #startDeleting(key: string): void {
    this.#endDeleting();
    this.#deleting = key;
    this.#list();
  }

  #undoDeleting(): void {
    this.#deleting = null;
    this.#list();
  }

  #endDeleting(): void {
    if (!this.#deleting) return;
    this.library.delete(this.#deleting);
    this.#deleting = null;
  }

  async #listShipped(): Promise<void> {
    const sizes = await shippedSizes();
    const items = SHIPPED.filter((name) => sizes.has(name)).map((name) => {
      const details = document.createElement("span");
      details.textContent = megabytes(sizes.get(name)!);
      const link = this.#source && this.library.linkOf(this.#source);
      const isOpen = link?.kind === "model" && link.name === name;
      return this.#item(thumbnailOf(name), name, details, () => void this.library.openShipped(name), isOpen);
    });
    byId("shipped-models", HTMLUListElement).replaceChildren(...items);
    byId("shipped-section", HTMLElement).hidden = items.length === 0;
  }

  #item(picture: HTMLElement, name: string, details: HTMLElement, open: () => void, isOpen = false): HTMLLIElement {
    const [item, choose, words, title] = [
      document.createElement("li"),
      document.createElement("button"),
      document.createElement("span"),
      document.createElement("strong"),
    ];
    Object.assign(choose, { type: "button", className: "source" });
    details.className = "hint";
    if (isOpen) choose.ariaCurrent = "true";
    title.textContent = name;
    words.append(title, details);
    choose.append(picture, words);
    choose.addEventListener("click", () => {
      this.#dialog.close();
      open();
    });
    item.append(choose);
    return item;
  }
}

/** Beside its name, so it needs no text of its own. */
const thumbnailOf = (name: string): HTMLImageElement =>
  Object.assign(new Image(), { loading: "lazy", src: exampleUrl(name), alt: "" });
