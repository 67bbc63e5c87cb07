// The view "How it works": five panels about the open source, or about a bundled photo. A panel computes when it is first seen.

import { byId } from "../dom.ts";
import type { ModelSource, Place, Source } from "../features/feature.ts";
import { Growth } from "./growth.ts";
import { lessonOf } from "./lesson.ts";
import { GrowthPanel, JudgePanel, LimitsPanel } from "./model-panels.ts";
import { PatchPanel, PyramidPanel } from "./photo-panels.ts";

/** What the panels show now. */
interface Shown {
  readonly source: Source;
  /** For each panel, draws it, and computes what it needs. */
  readonly draw: ReadonlyMap<Element, () => void>;
}

export class HowItWorks {
  readonly #view = byId("how", HTMLElement);
  readonly #pyramid = new PyramidPanel();
  readonly #patch = new PatchPanel();
  readonly #judge = new JudgePanel();
  readonly #growth = new GrowthPanel();
  readonly #limits = new LimitsPanel();
  /** The panels that can be seen, and those that are drawn. */
  readonly #seen = new Set<Element>();
  readonly #drawn = new Set<Element>();
  #shown: Shown | null = null;
  #open: { readonly source: Source; readonly run: Place["run"] } | null = null;

  /** `bundled` is the photo that is used as long as no source is open; null if none can be had now. */
  constructor(private readonly bundled: () => Promise<Source | null>) {
    const observer = new IntersectionObserver((changes) => {
      for (const { target, isIntersecting } of changes) this.#seen[isIntersecting ? "add" : "delete"](target);
      if (this.#seen.size === 0 && !this.#open) this.#shown = null; // another photo may be chosen meanwhile
      void this.#drawSeen();
    });
    for (const panel of this.#view.querySelectorAll(".panel")) observer.observe(panel);
  }

  /** Shows another source, or the same one when it has changed. */
  use(source: Source, run: Place["run"]): void {
    if (source === this.#open?.source) return;
    this.#open = { source, run };
    this.#shown = null;
    void this.#drawSeen();
  }

  async #drawSeen(): Promise<void> {
    if (this.#seen.size === 0) return;
    if (!this.#shown) {
      const source = this.#open?.source ?? (await this.bundled().catch(() => null));
      if (!source || this.#shown) return;
      this.#prepare(this.#open?.source ?? source);
    }
    for (const panel of this.#seen) {
      if (this.#drawn.has(panel)) continue;
      this.#drawn.add(panel);
      this.#shown!.draw.get(panel)?.(); // photos have nothing to draw in some
    }
  }

  #prepare(source: Source): void {
    const lesson = lessonOf(source);
    const { width, height } = source.photo;
    this.#view.style.setProperty("--shape", `${width} / ${height}`);
    const scales = source.kind === "photo" ? ", at the scales of its instant pictures; a training chooses its own" : "";
    byId("how-of", HTMLElement).textContent = `All pictures here are of ${source.name}${scales}.`;
    const kinds = [source.kind, ...(source.kind === "model" ? [source.isSingan ? "singan" : "consingan"] : [])];
    for (const element of this.#view.querySelectorAll<HTMLElement>("[data-for]"))
      element.hidden = !kinds.includes(element.dataset["for"]!);
    const draw = new Map<Element, () => void>([
      [byId("how-pyramid", HTMLElement), () => this.#pyramid.show(lesson)],
      [byId("how-patch", HTMLElement), () => this.#patch.show(lesson)],
      ...(source.kind === "model" && this.#open ? this.#ofModel(source, this.#open.run) : []),
    ]);
    this.#drawn.clear();
    this.#shown = { source, draw };
  }

  #ofModel(source: ModelSource, run: Place["run"]): [Element, () => void][] {
    const judge: [Element, () => void] = [byId("how-judge", HTMLElement), () => this.#judge.show(source, run)];
    if (!source.isSingan) return [judge];
    const growth = new Growth(run, (grown) => {
      this.#growth.update(grown);
      this.#limits.show(source, grown);
    });
    return [
      judge,
      [byId("how-change", HTMLElement), () => this.#growth.show(source, growth)],
      [byId("how-limits", HTMLElement), () => this.#limits.show(source, growth)],
    ];
  }
}
