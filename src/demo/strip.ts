// The strip of pictures below the stage: those that a tool has made, and before them those that the visitor has pinned.

import type { Rgb8, Size } from "../image/planes.ts";
import { byId, showPicture } from "./dom.ts";

export interface StripPicture {
  readonly picture: Rgb8;
  /** Below the picture, in a word or two. */
  readonly label: string;
  /** Below the stage: all there is to know. */
  readonly details: string;
  /** Name of the file when it is downloaded. */
  readonly file: string;
  /** What the stage shows of it; absent where it is the picture itself. */
  onStage?(): Rgb8;
  /** What the visitor has made: it can't be deleted here. */
  readonly isOwn?: boolean;
}

interface Item {
  readonly element: HTMLLIElement;
  readonly button: HTMLButtonElement;
  readonly canvas: HTMLCanvasElement;
  readonly caption: HTMLElement;
  /** Null until it is made. */
  shown: StripPicture | null;
  isPinned: boolean;
  isDeleted: boolean;
}

export class Strip {
  readonly #list = byId("strip", HTMLUListElement);
  readonly #undo = byId("undo-delete", HTMLButtonElement);
  #items: Item[] = [];
  /** Called with the number of the frame that the visitor chooses, of those that expect() has made; for the tool. */
  onFrame: (index: number) => void = () => {};
  /** Those that the last expect() has made. */
  #frames: readonly Item[] = [];
  #selected: Item | null = null;
  /** The picture that was deleted last, and where it was; null where it can't be brought back any more. */
  #deleted: { readonly item: Item; readonly index: number } | null = null;
  /** The pictures that the page comes with: each stays until the first one in its place is made. */
  #stored = [...this.#list.children];
  #isFirst = true;
  #isGivenUp = false;

  /**
   * `onSelect` is called with the picture that is chosen, as soon as it is made; with null where the last one is deleted. `onWait` is called with
   * the label of one that is chosen and not made yet.
   */
  constructor(
    private readonly onSelect: (shown: StripPicture | null) => void,
    private readonly onWait: (label: string) => void,
  ) {
    this.#undo.addEventListener("click", () => this.#restore());
  }

  /** All pictures that are there, pinned ones first. */
  get pictures(): readonly StripPicture[] {
    return this.#items.flatMap(({ shown }) => shown ?? []);
  }

  /** How many pictures the last expect() was for. */
  get expected(): number {
    return this.#frames.length;
  }

  get selected(): StripPicture | null {
    return this.#selected?.shown ?? null;
  }

  /** Whether more pictures are being made. */
  get isWaiting(): boolean {
    return !this.#isGivenUp && this.#items.some(({ shown }) => shown === null);
  }

  /** The pictures that the last expect() was for, and that are not made yet, will not be made. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  get hasPinned(): boolean {
    return this.#items.some(({ isPinned }) => isPinned);
  }

  get isPinned(): boolean {
    return this.#selected?.isPinned ?? false;
  }

  /**
   * Empty frames, with these labels and this shape, in the place of all pictures that are not pinned. With `keeps`, frames of the same labels
   * show what they have, marked as old, until their new pictures are put.
   */
  expect(labels: readonly string[], shape: Size, keeps = false): void {
    const kept = keeps ? this.#frames.filter(({ isPinned, isDeleted }) => !isPinned && !isDeleted) : [];
    this.#frames = labels.map((label) => kept.find(({ shown }) => shown?.label === label) ?? this.#frame(label));
    const isOver = (item: Item): boolean => !item.isPinned && !this.#frames.includes(item);
    for (const { element } of this.#items.filter(isOver)) element.remove();
    if (this.#selected && isOver(this.#selected)) this.#selected = null;
    if (!this.#deleted?.item.isPinned) this.#setDeleted(null);
    this.#list.style.setProperty("--shape", `${shape.width} / ${shape.height}`);
    this.#items = [...this.#items.filter((item) => item.isPinned), ...this.#frames];
    this.removeStored(this.#isFirst ? labels.length : 0);
    this.#isFirst = this.#isGivenUp = false;
    for (const [i, { element, button, shown }] of this.#frames.entries()) {
      button.ariaBusy = String(shown !== null);
      if (this.#stored[i]) continue;
      const before = this.#items[this.#items.length - labels.length + i - 1]?.element;
      // A frame that is moved would lose the focus.
      if (element.isConnected && element.previousElementSibling === (before ?? null)) continue;
      if (before?.isConnected) before.after(element);
      else if (before) this.#list.append(element);
      else this.#list.prepend(element);
    }
  }

  /** Fills the frame `index` of those that expect() has made. */
  put(index: number, shown: StripPicture): void {
    const item = this.#frames[index]!;
    item.shown = shown; // also where it is deleted, which can be undone
    item.caption.textContent = shown.label;
    item.button.disabled = false;
    item.button.ariaBusy = null;
    showPicture(item.canvas, shown.picture);
    item.canvas.style.aspectRatio = `${shown.picture.width} / ${shown.picture.height}`;
    item.canvas.ariaLabel = shown.label;
    this.#showInPlaceOfStored();
    if (item === this.#selected) this.onSelect(shown);
  }

  /** Chooses the frame `index` of those that expect() has made. */
  choose(index: number): void {
    this.#choose(this.#frames[index]!);
  }

  /** Shows the chosen picture again, because what the stage shows of it has changed. */
  showAgain(): void {
    if (this.selected) this.onSelect(this.selected);
  }

  #choose(item: Item): void {
    this.#selected = item;
    for (const one of this.#items) one.button.ariaPressed = String(one === item);
    const { left, right } = item.element.getBoundingClientRect();
    const list = this.#list.getBoundingClientRect();
    if (left < list.left || right > list.right) this.#list.scrollBy({ left: (left + right - list.left - list.right) / 2 });
    if (item.shown) this.onSelect(item.shown);
    else this.onWait(item.caption.textContent);
  }

  /** Removes the stored pictures but the first `count`. */
  removeStored(count = 0): void {
    for (const stored of this.#stored.slice(count)) stored.remove();
    this.#stored = this.#stored.slice(0, count);
  }

  #showInPlaceOfStored(): void {
    for (const [i, stored] of this.#stored.entries()) {
      const frame = this.#frames[i];
      if (frame?.shown && !frame.isDeleted && stored.isConnected) stored.replaceWith(frame.element);
    }
    if (this.#stored.every((stored) => !stored.isConnected)) this.#stored = [];
  }

  #tellFrame(item: Item): void {
    const index = this.#frames.indexOf(item);
    if (index >= 0) this.onFrame(index);
  }

  /** Pins the chosen picture, or unpins it. What is not made yet shows its frame from now on, so that all are in one order. */
  togglePin(): void {
    const item = this.#selected;
    if (!item) return;
    this.removeStored();
    item.isPinned = !item.isPinned;
    item.element.classList.toggle("pinned", item.isPinned);
    this.#items = [...this.#items.filter((one) => one.isPinned), ...this.#items.filter((one) => !one.isPinned)];
    this.#list.append(...this.#items.map(({ element }) => element));
  }

  /** Deletes the chosen picture, and chooses the next one. It can be brought back until another one is deleted, or others are made. */
  remove(): void {
    const item = this.#selected;
    if (!item) return;
    const index = this.#items.indexOf(item);
    item.isDeleted = true;
    item.element.remove();
    this.#items = this.#items.filter((one) => one !== item);
    this.#selected = null;
    this.#setDeleted({ item, index });
    const next = this.#items.slice(index).find(({ shown }) => shown) ?? this.#items.findLast(({ shown }) => shown);
    if (next) {
      this.#choose(next);
      this.#tellFrame(next);
      next.button.focus({ preventScroll: true });
    } else {
      this.onSelect(null);
      const [coming] = this.#items;
      if (!coming) return;
      this.#choose(coming);
      this.#tellFrame(coming);
    }
  }

  #setDeleted(deleted: { readonly item: Item; readonly index: number } | null): void {
    this.#deleted = deleted;
    this.#undo.hidden = deleted === null;
  }

  /** Brings back the picture that was deleted last, and chooses it. */
  #restore(): void {
    const { item, index: before } = this.#deleted!;
    this.#setDeleted(null);
    item.isDeleted = false;
    // Pinned pictures come first, and there may be more or fewer of them now.
    const pinned = this.#items.filter(({ isPinned }) => isPinned).length;
    const index = item.isPinned ? Math.min(before, pinned) : Math.max(before, pinned);
    const next = this.#items[index];
    if (next) next.element.before(item.element);
    else this.#list.append(item.element);
    this.#items.splice(index, 0, item);
    this.#choose(item);
    this.#tellFrame(item);
    item.button.focus({ preventScroll: true });
  }

  #frame(label: string): Item {
    const element = document.createElement("li");
    const [button, canvas, caption] = [
      document.createElement("button"),
      document.createElement("canvas"),
      document.createElement("span"),
    ];
    Object.assign(button, { type: "button", disabled: true, ariaPressed: "false" });
    canvas.role = "img";
    canvas.ariaLabel = label;
    caption.textContent = label;
    button.append(canvas, caption);
    element.append(button);
    const item: Item = { element, button, canvas, caption, shown: null, isPinned: false, isDeleted: false };
    button.addEventListener("click", () => {
      this.#choose(item);
      this.#tellFrame(item);
    });
    return item;
  }
}
