// The settings form, and its copy in the page's address, which makes settings shareable (#photo=tulips&seed=3&maxSize=64).

import { srOptions } from "../singan/generation/applications/super-resolution.ts";
import type { FormOptions, OfferedPreset } from "./protocol.ts";

const NUMBER_FIELDS = ["seed", "maxSize", "iterations", "channels"] as const satisfies readonly (keyof FormOptions)[];
/** The fields in the address and their defaults. The default photo is the first example. */
const DEFAULTS = { photo: "", preset: "auto", seed: "0", maxSize: "", iterations: "", channels: "", purpose: "" };
/** The value of the field `purpose` for a training for enlarging. */
const ENLARGING = "enlarging";
/** The pyramid is the same for 4 and 8 times. */
const FACTOR = 2;

export class Settings {
  constructor(private readonly form: HTMLFormElement) {}

  #field(name: string): HTMLInputElement | HTMLSelectElement | RadioNodeList {
    return this.form.elements.namedItem(name) as HTMLInputElement | HTMLSelectElement | RadioNodeList;
  }

  get preset(): OfferedPreset {
    return this.#field("preset").value as OfferedPreset;
  }
  get options(): FormOptions {
    const filled = NUMBER_FIELDS.filter((name) => this.#field(name).value !== "");
    const numbers = Object.fromEntries(filled.map((name) => [name, Number(this.#field(name).value)]));
    return { ...numbers, ...(this.#field("purpose").value === ENLARGING && srOptions(FACTOR)) };
  }

  wantEnlarging(): void {
    this.#field("purpose").value = ENLARGING;
  }

  /** Whether a field overrides a value of the preset. The seed is not part of a preset. */
  get changesPreset(): boolean {
    return Object.keys(this.options).some((name) => name !== "seed");
  }

  /** Fills the form from an address. Missing and invalid values become the defaults. */
  read(hash: string, examples: readonly string[]): void {
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    for (const [name, standard] of Object.entries(DEFAULTS)) {
      const field = this.#field(name);
      const value = given.get(name) ?? standard;
      field.value = value;
      if (name === "photo" && !examples.includes(field.value)) field.value = examples[0]!;
      // Radio buttons keep the one that is checked, and number fields become empty, where there is no such value.
      else if (name !== "photo" && field.value !== value) field.value = standard;
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
