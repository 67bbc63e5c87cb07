// The settings form: what it asks the training for, and its copy in the address, for links (#photo=tulips&seed=3&maxSize=64).

import type { PresetChoice, Wishes } from "./protocol.ts";

const WISHES = ["seed", "maxSize", "iterations", "channels"] as const satisfies readonly (keyof Wishes)[];
/** Everything in the address, with its default; the photo's is the first example. */
const DEFAULTS = { photo: "", preset: "auto", seed: "0", maxSize: "", iterations: "", channels: "" };

export const PRESET_HINTS: Readonly<Record<PresetChoice, string>> = {
  auto: "Times this GPU for a few seconds, then picks what it can do in reasonable time.",
  preview: "48 px, 200 iterations per scale: a first look.",
  balanced: "160 px, 1000 iterations per scale.",
  paper: "As in the SinGAN paper: 250 px, 2000 iterations per scale. Needs a fast GPU.",
  animation: "The paper's, with noise up to the borders and 20 px as the coarsest side: for animations. Needs a fast GPU.",
};

export class Settings {
  constructor(private readonly form: HTMLFormElement) {}

  #field(name: string): HTMLInputElement | HTMLSelectElement | RadioNodeList {
    return this.form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement | RadioNodeList;
  }

  get preset(): PresetChoice {
    return this.#field("preset").value as PresetChoice;
  }
  /** The filled number fields. */
  get wishes(): Wishes {
    const filled = WISHES.filter((name) => this.#field(name).value !== "");
    return Object.fromEntries(filled.map((name) => [name, Number(this.#field(name).value)]));
  }

  /** Whether anything of the preset is overruled; the seed is no part of it. */
  get changesPreset(): boolean {
    return Object.keys(this.wishes).some((name) => name !== "seed");
  }

  /** Fills the form from an address; what it lacks, or has wrong, becomes the default. */
  read(hash: string, examples: readonly string[]): void {
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    for (const [name, standard] of Object.entries(DEFAULTS)) {
      const field = this.#field(name);
      field.value = given.get(name) ?? standard;
      if (name === "photo" && !examples.includes(field.value)) field.value = examples[0]!;
      if (field.value === "") field.value = standard;
    }
  }

  /** For the address: what differs from the defaults, a visitor's own photo excepted. */
  write(examples: readonly string[]): string {
    const differing = Object.entries(DEFAULTS).flatMap(([name, standard]) => {
      const { value } = this.#field(name);
      const isShared = name !== "photo" || (examples.includes(value) && value !== examples[0]);
      return value !== standard && isShared ? [[name, value]] : [];
    });
    return new URLSearchParams(differing).toString();
  }
}
