// The strip of a tool that changes the photo: the visitor's own picture first, then what is made of it, the freest first.

import type { Rgb8 } from "../../../image/planes.ts";
import { type Place, SAMPLES_ONLY, type Source } from "../feature.ts";
import type { BlendReply } from "./messages.ts";

/** How much may change of a photo without a model. */
const FREEDOMS = [0.8, 0.6, 0.45, 0.3] as const;

/** Start scales of a model, or shares of a photo that may change: see BlendRequest. */
const stepsOf = (source: Source): readonly number[] =>
  source.kind === "photo" ? FREEDOMS : Array.from({ length: source.scales - 1 }, (_, i) => i + 1);

/** Why a photo can't be changed with a source; null where it can. */
export function refusalOf(source: Source): string | null {
  if (source.kind === "photo") return null;
  if (!source.isSingan) return SAMPLES_ONLY;
  return source.scales < 2 ? "This needs a model with at least two trained scales." : null;
}

export class Results {
  readonly steps: readonly number[];
  /** The frame that goes on the stage as soon as its picture is made; 0 is the visitor's own picture. */
  #wanted: number;
  #isWorking = false;
  /** The visitor's own picture. */
  #own: Rgb8;
  #made: Rgb8 | null = null;
  #labels: readonly string[] = [];

  /** `label` is for the visitor's own picture, `word` for the names of files. */
  constructor(
    private readonly place: Place,
    private readonly label: string,
    private readonly word: string,
  ) {
    this.steps = stepsOf(place.source);
    this.#wanted = Math.ceil(this.steps.length / 2);
    this.#own = place.source.photo;
  }

  /** The visitor's own picture of which the strip's pictures are made. */
  get made(): Rgb8 | null {
    return this.#made;
  }

  /** Whether the visitor's own picture is on the stage, not a result. */
  get isOwnShown(): boolean {
    return this.place.stage.picture === this.#own;
  }

  /** Puts the visitor's own picture on the stage, where it is not yet, because work on it goes on. */
  work(): void {
    if (this.#isWorking || !this.#made) return;
    this.#remember();
    this.#isWorking = true;
    if (!this.place.isSplit) this.place.strip.choose(0);
  }

  /** Shows the visitor's own picture while it changes. */
  show(own: Rgb8): void {
    this.#own = own;
    this.place.stage.show(own, this.label);
  }

  /** Shows the visitor's own picture; `run` has pictures made of it, null where there is nothing to make. */
  make(own: Rgb8, seed: number, run: ((onReply: (reply: BlendReply) => void) => Promise<boolean>) | null): void {
    const { source, strip, say } = this.place;
    if (!this.#isWorking) this.#remember();
    this.#isWorking = false;
    this.#own = this.#made = own;
    const isModel = source.kind === "model";
    const labels = this.steps.map((step) => (isModel ? `Scale ${step}` : `Change ${Math.round(100 * step)} %`));
    this.#labels = [run ? this.label : "Photo", ...(run ? labels : [])];
    strip.expect(this.#labels, own);
    const name = isModel ? source.name : `${source.name}-instant`;
    strip.put(0, {
      picture: own,
      label: this.#labels[0]!,
      details: run ? `${this.label}. The results are in the strip.` : `The photo ${source.name}.`,
      file: `${source.name}${run ? `-${this.word}` : ""}.png`,
      isOwn: true,
    });
    strip.choose(0);
    if (!run) return;
    strip.choose(this.#wanted);
    const put = ({ index, picture }: BlendReply): void => {
      const step = this.steps[index]!;
      const parts = [name, this.word, isModel ? `scale${step}` : `freedom-${step}`, ...(seed > 0 ? [`seed-${seed}`] : [])];
      strip.put(index + 1, { picture, label: labels[index]!, details: this.#details(step), file: `${parts.join("-")}.png` });
    };
    void run(put).then((isDone) => isDone && say(`${this.steps.length} results are ready.`));
  }

  #details(step: number): string {
    const { source, isSplit } = this.place;
    const back = isSplit ? "" : ` Press the picture, or choose ${this.label}, to go on.`;
    if (source.kind === "photo") return `The changed part is made anew by ${Math.round(100 * step)} %.${back}`;
    const { width, height } = source.sizes[step - 1]!;
    return `Scale ${step} of ${source.scales - 1}: what is finer than ${width}×${height} px is made anew.${back}`;
  }

  /** Notes which picture the visitor has chosen, for the next results. The own one is on the stage anyway where it has a place of its own. */
  #remember(): void {
    const chosen = this.#labels.length > 1 ? this.#labels.indexOf(this.place.strip.selected?.label ?? "") : -1;
    if (chosen >= (this.place.isSplit ? 1 : 0)) this.#wanted = chosen;
  }
}
