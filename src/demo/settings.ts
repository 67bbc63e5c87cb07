// The settings form, and its copy in the page's address, which makes settings shareable (#photo=tulips&seed=3&maxSize=64).

import type { FormOptions, PresetChoice } from "./protocol.ts";

const NUMBER_FIELDS = ["seed", "maxSize", "iterations", "channels"] as const satisfies readonly (keyof FormOptions)[];
/** The fields in the address and their defaults. The default photo is the first example. */
const DEFAULTS = { photo: "", preset: "auto", seed: "0", maxSize: "", iterations: "", channels: "" };

/** The page makes no animations, so it does not offer their preset. */
type OfferedPreset = Exclude<PresetChoice, "paper" | "animation">;

export const PRESET_HINTS: Readonly<Record<OfferedPreset, string>> = {
  auto: "Times this GPU for a few seconds, then picks a preset that it trains in reasonable time.",
  preview: "48 px, 200 iterations per scale: a first look.",
  balanced: "160 px, 1000 iterations per scale.",
  full: "The size of the SinGAN paper: 250 px, 2000 iterations per scale. Needs a fast GPU.",
};

export class Settings {
  constructor(private readonly form: HTMLFormElement) {}

  #field(name: string): HTMLInputElement | HTMLSelectElement | RadioNodeList {
    return this.form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement | RadioNodeList;
  }

  get preset(): OfferedPreset {
    return this.#field("preset").value as OfferedPreset;
  }
  get numbers(): FormOptions {
    const filled = NUMBER_FIELDS.filter((name) => this.#field(name).value !== "");
    return Object.fromEntries(filled.map((name) => [name, Number(this.#field(name).value)]));
  }

  /** Whether a field overrides a value of the preset. The seed is not part of a preset. */
  get changesPreset(): boolean {
    return Object.keys(this.numbers).some((name) => name !== "seed");
  }

  /** Fills the form from an address. Missing and invalid values become the defaults. */
  read(hash: string, examples: readonly string[]): void {
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    for (const [name, standard] of Object.entries(DEFAULTS)) {
      const field = this.#field(name);
      field.value = given.get(name) ?? standard;
      if (name === "photo" && !examples.includes(field.value)) field.value = examples[0]!;
      if (field.value === "") field.value = standard;
    }
  }

  /** The fields that differ from the defaults, for the address. A visitor's own photo is left out. */
  write(examples: readonly string[]): string {
    const differing = Object.entries(DEFAULTS).flatMap(([name, standard]) => {
      const { value } = this.#field(name);
      const isShared = name !== "photo" || (examples.includes(value) && value !== examples[0]);
      return value !== standard && isShared ? [[name, value]] : [];
    });
    return new URLSearchParams(differing).toString();
  }
}
