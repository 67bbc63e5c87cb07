// The sources of pictures: opens models and photos, the latest request wins, and knows of each model whether it is kept anywhere.

import type { PlayLink } from "./address.ts";
import type { ModelSource, Source } from "./features/feature.ts";
import type { InstantMessage, InstantReport } from "./instant-worker.ts";
import type { KeptModel } from "./kept-models.ts";
import { EXAMPLE_NAMES, type Photo, type Trainable } from "./photo.ts";
import type { Report, Request } from "./protocol.ts";
import { loadShipped } from "./shipped.ts";

/** Long side of a photo for instant pictures, px. */
export const INSTANT_SIDE = 96;

/** Where a model is, beside this tab. */
export type Whereabouts = "shipped" | "file" | "kept" | "unfinished" | "nowhere";

interface Opening {
  readonly name: string;
  readonly whereabouts: Whereabouts;
  /** Of a kept model. */
  readonly key?: string;
  /** As large as it was chosen. */
  readonly photo?: Photo;
  /** What the tool begins with. */
  readonly link?: PlayLink;
  /** Whether the page opens it by itself. */
  readonly isQuiet?: boolean;
}

interface Hooks {
  send(request: Request): void;
  sendInstant(message: InstantMessage): void;
  /** Pictures are made of another source from now on. */
  use(source: Source, opening: Pick<Opening, "link" | "isQuiet">): void;
  /** Whether the visitor gives up what was made of the source that is open, for one of this name. */
  mayReplace(name: string): boolean;
  showError(message: string | null): void;
  /** The list of kept models, or where a model is, has changed. */
  onChange(): void;
}

type NamedModel = Pick<KeptModel, "key" | "name">;

/** Where the kept model that is open is noted for a reload of this tab. */
const LAST = "open-model";

function readLast(): NamedModel | null {
  try {
    return JSON.parse(sessionStorage.getItem(LAST) ?? "null");
  } catch {
    return null; // the browser stores nothing
  }
}

function writeLast(model: NamedModel | null): void {
  try {
    if (model) sessionStorage.setItem(LAST, JSON.stringify(model));
    else sessionStorage.removeItem(LAST);
  } catch {
    // The browser stores nothing: a reload begins with the page's model.
  }
}

export class Library {
  #opened = 0;
  /** The source that was asked for last, until it is open. */
  #awaited: string | null = null;
  #current: Source | null = null;
  readonly #openings = new Map<string, Opening>();
  readonly #whereabouts = new Map<string, Whereabouts>();
  /** Of the models that have been open or in training. */
  readonly #names = new Map<string, string>();
  /** The kept models that are open, by the page's ids. */
  readonly #keys = new Map<string, string>();
  #kept: readonly KeptModel[] | null = null;
  #trouble: string | null = null;
  #own: Photo | null = null;

  constructor(private readonly hooks: Hooks) {}

  /** Whether a source is open, or asked for. */
  get isBusy(): boolean {
    return this.#current !== null || this.#awaited !== null;
  }

  /** The name of a trained model that is nowhere but in this tab; null where there is none. */
  get unsaved(): string | null {
    const id = [...this.#whereabouts].find(([, whereabouts]) => whereabouts === "nowhere")?.[0];
    return id === undefined ? null : this.#names.get(id)!;
  }

  /** The visitor's own photo that was opened last: it is nowhere but in this tab. */
  get own(): Photo | null {
    return this.#own;
  }

  /** Null until the list is there. */
  get kept(): readonly KeptModel[] | null {
    return this.#kept;
  }

  /** Why this browser keeps no models, as the middle of a sentence; null where it does. */
  get trouble(): string | null {
    return this.#trouble;
  }

  /** Where an open model is; null for photos. */
  whereabouts(source: Source): Whereabouts | null {
    return source.kind === "model" ? (this.#whereabouts.get(source.id) ?? "unfinished") : null;
  }

  /** The key of an open model that is kept. */
  keyOf({ id }: Source): string | null {
    return this.#keys.get(id) ?? null;
  }

  /** A source as a link can name it; null where it can't. */
  linkOf(source: Source): NonNullable<PlayLink["source"]> | null {
    if (source.kind === "model") return this.whereabouts(source) === "shipped" ? { kind: "model", name: source.name } : null;
    return this.#openings.get(source.id)?.whereabouts === "shipped" ? { kind: "photo", name: source.name } : null;
  }

  /** The photo of a source as a training can use it; null where only a small copy of it is left. */
  trainableOf(source: Source): Trainable | null {
    const link = this.linkOf(source);
    if (link) return { isExample: true, name: link.name };
    const { photo } = this.#openings.get(source.id) ?? {};
    return photo ? { isExample: false, ...photo } : null;
  }

  openFile(name: string, bytes: Uint8Array<ArrayBuffer>): void {
    this.hooks.send({ kind: "open", id: this.#await({ name, whereabouts: "file" }), name, bytes });
  }

  openKept({ key, name }: NamedModel): void {
    this.hooks.send({ kind: "openKept", id: this.#await({ name, key, whereabouts: "kept" }), name, key });
  }

  /** Opens a model that comes with the page. Where it can't be loaded, the visitor is told, unless `isQuiet`. */
  async openShipped(name: string, { link, isQuiet = false }: Pick<Opening, "link" | "isQuiet"> = {}): Promise<void> {
    const id = this.#await({ name, whereabouts: "shipped", isQuiet, ...(link && { link }) });
    const bytes = await loadShipped(name);
    if (this.#awaited !== id) return;
    if (bytes) return this.hooks.send({ kind: "open", id, name, bytes });
    this.#awaited = null;
    if (!isQuiet) this.hooks.showError(`The model ${name} could not be loaded.`);
  }

  openPhoto(photo: Photo, isExample: boolean, link?: PlayLink): void {
    const { name, picture } = photo;
    const isShipped = isExample && EXAMPLE_NAMES.includes(name);
    if (!isShipped) this.#own = photo;
    const id = this.#await({
      ...{ name, photo },
      whereabouts: isShipped ? "shipped" : "file",
      ...(link && { link }),
    });
    this.hooks.sendInstant({ kind: "photo", id, photo: picture, maxSize: INSTANT_SIDE });
  }

  #await(opening: Opening): string {
    const id = `source-${++this.#opened}`;
    this.#openings.set(id, opening);
    this.#awaited = id;
    return id;
  }

  /** Takes note that pictures are made of a source, and frees the one before, unless it is a training's. */
  using(source: Source): void {
    const before = this.#current;
    this.#current = source;
    this.#remember();
    if (before?.id === source.id) return;
    this.#awaited = null;
    if (before && this.#openings.has(before.id)) this.#forget(before);
  }

  /** A training has another finished scale. */
  isTraining({ id, name }: ModelSource): void {
    this.#names.set(id, name);
    this.#whereabouts.set(id, "unfinished");
  }

  /** A training has come to its end; it is kept already, or can't be. */
  isTrained({ id }: ModelSource): void {
    if (this.#whereabouts.get(id) === "kept") return;
    this.#whereabouts.set(id, "nowhere");
    this.hooks.onChange();
  }

  keep({ id, name }: Source): void {
    this.hooks.send({ kind: "keep", id, name });
  }

  /** The visitor has downloaded the model. */
  isDownloaded(id: string): void {
    if (this.#whereabouts.get(id) === "nowhere") this.#whereabouts.set(id, "file");
    this.hooks.onChange();
  }

  delete(key: string): void {
    for (const [id, one] of this.#keys) {
      if (one !== key) continue;
      this.#keys.delete(id);
      this.#whereabouts.set(id, "nowhere");
    }
    this.#remember();
    this.hooks.send({ kind: "deleteKept", key });
  }

  readonly receivers: { readonly [K in Report["kind"]]?: (report: Report & { kind: K }) => void } = {
    opened: ({ kind: _, ...model }) => {
      const opening = this.#openings.get(model.id);
      if (!opening || this.#awaited !== model.id) return this.hooks.send({ kind: "close", id: model.id });
      this.#whereabouts.set(model.id, opening.whereabouts);
      this.#names.set(model.id, model.name);
      if (opening.key !== undefined) this.#keys.set(model.id, opening.key);
      this.#use({ kind: "model", ...model }, opening);
    },
    kept: ({ id, key }) => {
      this.#whereabouts.set(id, "kept");
      this.#keys.set(id, key);
      this.#remember();
      this.hooks.showError(null);
      this.hooks.onChange();
      this.hooks.send({ kind: "listKept" });
    },
    notKept: ({ why }) => this.hooks.showError(`This browser can't keep the model (${why}). Download it before you leave.`),
    keptModels: ({ models, trouble }) => {
      this.#kept = models;
      this.#trouble = trouble;
      this.hooks.onChange();
    },
  };

  /** The photo as instant pictures use it. */
  photoOpened({ id, photo }: InstantReport & { kind: "photo" }): void {
    const opening = this.#openings.get(id);
    if (opening && this.#awaited === id) this.#use({ kind: "photo", id, name: opening.name, photo }, opening);
    else this.hooks.sendInstant({ kind: "close", id });
  }

  /** The kept model that was open before a reload of this tab; null where there was none. */
  get last(): NamedModel | null {
    return readLast();
  }

  #remember(): void {
    const key = this.#current && this.#keys.get(this.#current.id);
    writeLast(key === null || key === undefined ? null : { key, name: this.#current!.name });
  }

  #use(source: Source, opening: Opening): void {
    if (opening.isQuiet || this.hooks.mayReplace(source.name)) this.hooks.use(source, opening);
    else {
      this.#awaited = null;
      this.#forget(source);
    }
  }

  #forget({ kind, id }: Source): void {
    (kind === "model" ? this.hooks.send : this.hooks.sendInstant)({ kind: "close", id });
    for (const map of [this.#openings, this.#whereabouts, this.#keys]) map.delete(id);
  }
}
