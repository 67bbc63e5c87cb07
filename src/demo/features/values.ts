// What a tool's fields say, as settings.

import { byId } from "../dom.ts";

/** The values of fields, given by the name of the setting and the field's id. What is empty or invalid is left out. */
export function valuesOf(fields: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, id]) => {
      const { value, validity } = byId(id, HTMLInputElement);
      return value !== "" && validity.valid ? [[name, value] as const] : [];
    }),
  );
}

export const isChecked = (id: string): boolean => byId(id, HTMLInputElement).checked;
