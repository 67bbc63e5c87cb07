// The settings form, and its copy in the page's address, which makes settings shareable (#photo=tulips&seed=3&maxSize=64).

import { srOptions } from "../singan/generation/applications/super-resolution.ts";
import type { FormOptions, OfferedPreset } from "./protocol.ts";

/** The value of the field `photo` for the visitor's own, which no address can hold. */
export const OWN = "own";
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

  /**
   * Fills the form from an address. Missing and invalid values become the defaults. Returns whether the address was made with a visitor's own
   * photo that is not here, so that the first example stands in for it.
   */
  read(hash: string, examples: readonly string[]): boolean {
    const given = new URLSearchParams(hash.replace(/^#/, ""));
    for (const [name, usual] of Object.entries(DEFAULTS)) {
      const standard = name === "photo" ? examples[0]! : usual;
      const field = this.#field(name);
      const value = given.get(name) ?? standard;
      field.value = value;
      // Radio buttons keep the one that is checked, and number fields become empty, where there is no such value.
      if (field.value !== value) field.value = standard;
    }
    return given.get("photo") === OWN && this.#field("photo").value !== OWN;
  }

  /** The fields that differ from the defaults, for the address. */
  write(examples: readonly string[]): string {
    const differing = Object.entries(DEFAULTS).flatMap(([name, usual]) => {
      const { value } = this.#field(name);
      return value === (name === "photo" ? examples[0] : usual) ? [] : [[name, value]];
    });
    return new URLSearchParams(differing).toString();
  }
}
