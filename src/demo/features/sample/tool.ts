// The tool Sample: new pictures by seed, of any size, with as much change as the visitor wants, seamless or not.

import type { Size } from "../../../image/planes.ts";
import { byId } from "../../dom.ts";
import type { Place, Source, Tool } from "../feature.ts";
import { isChecked, valuesOf } from "../values.ts";
import { KeptPart, keptText } from "./kept-part.ts";
import type { SampleReply, SampleRequest } from "./messages.ts";
import { repeated } from "./repeated.ts";

/** Pictures in the strip. */
const COUNT = 8;
/** Pictures are made when no field has changed for so long. */
const SETTLE_MS = 250;
/** Positions of the slider for photos without a model. */
const FREEDOMS = [0.3, 0.45, 0.6, 0.8, 1] as const;

/** Values of #seamless. */
const WRAPS: Readonly<Record<string, SampleRequest["wraps"]>> = {
  none: { x: false, y: false },
  x: { x: true, y: false },
  y: { x: false, y: true },
  both: { x: true, y: true },
};
export const sizeText = ({ width, height }: Size): string => `${width}×${height} px`;

export const sampleTool: Tool = {
  id: "sample",
  label: "Sample",
  icon: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  refusal: () => null,
  settings: () => {
    const { value, max } = byId("change", HTMLInputElement);
    const values = valuesOf({
      number: "sample-seed",
      ...(value !== max && { change: "change" }), // a training's next scale has another maximum
      width: "sample-width",
      height: "sample-height",
    });
    return {
      ...values,
      seamless: byId("seamless", HTMLSelectElement).value,
      ...(!isChecked("repeat") && { repeat: "no" }),
      keep: keptText(),
      ...(isChecked("keep") && { kept: "yes" }),
    };
  },
  open: (place) => new Sample(place).end,
};

class Sample {
  readonly #form = byId("sample-form", HTMLFormElement);
  readonly #seed = byId("sample-seed", HTMLInputElement);
  readonly #variation = byId("variation", HTMLInputElement);
  readonly #change = byId("change", HTMLInputElement);
  readonly #sides = [byId("sample-width", HTMLInputElement), byId("sample-height", HTMLInputElement)] as const;
  readonly #seamless = byId("seamless", HTMLSelectElement);
  readonly #repeat = byId("repeat", HTMLInputElement);
  readonly #kept: KeptPart;
  /** The first seed of the strip. */
  #first = -1;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly place: Place) {
    const steps = stepsOf(place.source);
    this.#change.max = String(steps);
    this.#change.value = place.settings["change"] ?? String(steps);
    this.#seed.value = place.settings["number"] ?? "0";
    this.#variation.value = this.#seed.value;
    this.#seamless.value = place.settings["seamless"] ?? "none";
    this.#repeat.checked = place.settings["repeat"] !== "no";
    this.#repeat.addEventListener("change", () => place.strip.showAgain());
    const { photo } = place.source;
    for (const [i, side] of (["width", "height"] as const).entries())
      Object.assign(this.#sides[i]!, { placeholder: String(photo[side]), value: place.settings[side] ?? "" });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#show();
    });
    byId("new-sample", HTMLButtonElement).addEventListener("click", () => this.#choose((Number(this.#seed.value) + 1) % 2 ** 32));
    this.#variation.addEventListener("input", () => this.#choose(Number(this.#variation.value)));
    for (const field of [this.#change, ...this.#sides, this.#seamless]) {
      field.addEventListener("input", () => {
        this.#describe();
        clearTimeout(this.#timer);
        this.#timer = setTimeout(() => this.#form.checkValidity() && this.#makeAll(), SETTLE_MS);
      });
      field.addEventListener("change", () => this.#form.reportValidity());
    }
    this.#kept = new KeptPart(place, () => {
      this.#describe();
      this.#makeAll();
    });
    place.strip.onFrame = (index) => this.#follow(this.#first + index);
    this.#describe();
    this.#makeAll();
  }

  readonly end = (): void => {
    clearTimeout(this.#timer);
    this.#kept.end();
  };

  #choose(seed: number): void {
    this.#seed.value = String(seed);
    this.#show();
  }

  /** The fields say what the visitor has chosen in the strip. */
  #follow(seed: number): void {
    this.#seed.value = String(seed);
    this.#variation.value = String(Math.min(seed, 99));
  }

  /** Shows the picture of the seed; it may be in the strip already. */
  #show(): void {
    if (!this.#form.reportValidity()) return;
    const seed = Number(this.#seed.value);
    this.#variation.value = String(Math.min(seed, 99));
    if (seed < this.#first || seed >= this.#first + COUNT) this.#makeAll();
    else this.place.strip.choose(seed - this.#first);
  }

  /** Makes the pictures of the strip, that of the chosen seed first. */
  #makeAll(): void {
    const { strip, source } = this.place;
    const chosen = Number(this.#seed.value);
    this.#first = chosen - (chosen % COUNT);
    const all = Array.from({ length: COUNT }, (_, i) => this.#first + i).filter((seed) => seed < 2 ** 32);
    strip.expect(
      all.map((seed) => `Picture ${seed}`),
      this.#size ?? source.photo,
    );
    strip.choose(chosen - this.#first);
    const seeds = [chosen, ...all.filter((seed) => seed !== chosen)];
    const size = this.#size;
    const keep = this.#kept.mask;
    const request: SampleRequest = {
      ...{ seeds, from: this.#from, wraps: WRAPS[this.#seamless.value]! },
      ...(size && { size }),
      ...(keep && { keep }),
    };
    void this.place
      .run("sample", request, (reply) => this.#put(request, reply))
      .then((isDone) => {
        if (isDone) this.place.say(`${all.length} pictures of ${source.name} are ready.`);
      });
  }

  #put(request: SampleRequest, { seed, picture, scales }: SampleReply): void {
    const { source, strip } = this.place;
    const from =
      source.kind === "model" && scales < source.sizes.length ? `, made by ${scales} of ${source.sizes.length} scales` : "";
    strip.put(seed - this.#first, {
      picture,
      label: `Picture ${seed}`,
      ...(isRepeatable(request) && { onStage: () => (this.#repeat.checked ? repeated(picture, request.wraps) : picture) }),
      details: `Picture ${seed}, ${sizeText(picture)}${from}.`,
      file: fileName(source, request, seed),
    });
  }

  get #size(): Size | null {
    const { photo } = this.place.source;
    if (this.#kept.mask) return null;
    const [width, height] = this.#sides.map(({ value }) => (value === "" ? null : Number(value)));
    return width == null && height == null ? null : { width: width ?? photo.width, height: height ?? photo.height };
  }

  get #from(): SampleRequest["from"] {
    const { source } = this.place;
    const change = Number(this.#change.value);
    return source.kind === "model" ? { startScale: stepsOf(source) - change } : { freedom: FREEDOMS[change]! };
  }

  #describe(): void {
    const { source } = this.place;
    const isKept = this.#kept.mask !== null;
    for (const side of this.#sides) side.disabled = isKept;
    byId("repeat-line", HTMLElement).hidden = isKept || this.#seamless.value === "none";
    const from = this.#from;
    const below = source.kind === "model" && "startScale" in from ? source.sizes[from.startScale - 1] : null;
    const isAll = "freedom" in from ? from.freedom === 1 : !below;
    byId("change-hint", HTMLElement).textContent = isAll
      ? "Everything is made anew."
      : below
        ? `What can be seen at ${sizeText(below)} stays; finer things are made anew.`
        : "The layout stays; finer things are made anew.";
  }
}

/** Whether the stage can show pictures of a request repeated: not while a part of the photo is kept, because that is drawn on the stage. */
const isRepeatable = ({ wraps, keep }: SampleRequest): boolean => (wraps.x || wraps.y) && !keep;

/** The largest position of the slider. */
const stepsOf = (source: Source): number => (source.kind === "model" ? source.scales : FREEDOMS.length) - 1;

/** Names say what differs from a plain picture of the seed. */
function fileName(source: Source, { from, size, wraps, keep }: SampleRequest, seed: number): string {
  const axes = Object.entries(wraps).flatMap(([axis, isSet]) => (isSet ? [axis] : []));
  const parts = [
    ...(source.kind === "model" ? [source.name] : [source.name, "instant"]),
    `seed-${seed}`,
    ...(size ? [`${size.width}x${size.height}`] : []),
    ...("startScale" in from
      ? from.startScale > 0
        ? [`from-scale-${from.startScale}`]
        : []
      : from.freedom < 1
        ? [`freedom-${from.freedom}`]
        : []),
    ...(keep ? ["kept-part"] : []),
    ...(axes.length > 0 ? [`tile-${axes.join("")}`] : []),
  ];
  return `${parts.join("-")}.png`;
}
