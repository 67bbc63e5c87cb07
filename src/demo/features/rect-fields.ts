// Four number fields for a rectangle: what the pointer does on the stage, by keyboard.

import type { Size } from "../../image/planes.ts";
import type { Rect } from "../../image/region.ts";
import { byId } from "../dom.ts";

const NAMES = ["x", "y", "width", "height"] as const;

export class RectFields {
  readonly #fields: readonly HTMLInputElement[];

  /**
   * The fields are #PREFIX-x, -y, -width and -height. `onChange` is called when the visitor has changed one and all are valid. With
   * `within`, the corner lies inside a picture of this size, and the rectangle is not larger.
   */
  constructor(prefix: string, onChange: (rect: Rect) => void, within?: Size) {
    this.#fields = NAMES.map((name) => byId(`${prefix}-${name}`, HTMLInputElement));
    const most = within && [within.width - 1, within.height - 1, within.width, within.height];
    for (const [i, field] of this.#fields.entries()) if (most) field.max = String(most[i]);
    for (const field of this.#fields) {
      field.addEventListener("change", () => {
        if (field.reportValidity() && this.#fields.every((one) => one.value !== "" && one.checkValidity())) onChange(this.#rect);
      });
    }
  }

  get #rect(): Rect {
    const [x, y, width, height] = this.#fields.map((field) => Number(field.value)) as [number, number, number, number];
    return { x, y, width, height };
  }

  /** Null empties the fields. */
  show(rect: Rect | null): void {
    for (const [i, field] of this.#fields.entries()) field.value = rect ? String(rect[NAMES[i]!]) : "";
  }

  set disabled(isDisabled: boolean) {
    for (const field of this.#fields) field.disabled = isDisabled;
  }
}
