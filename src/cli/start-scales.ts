// The flag --start-scale N|all: the scales of a model at which a command starts.

import { type Args, type FlagHelp, UsageError } from "./args.ts";

export const startScaleFlag = (help: string): FlagHelp => ({ "start-scale N|all": help });

/** The scales that the flag names: all from low to last, or one of them; without the flag `fallback`. Throws UsageError. */
export function startScales(args: Args, low: number, last: number, fallback?: number): readonly number[] {
  const text = args.text("start-scale");
  if (text === undefined && fallback !== undefined) return [fallback];
  const range = low > last ? "but the model has no such scale" : `a whole number from ${low} to ${last}, or all`;
  if (text === undefined) throw new UsageError(`--start-scale is missing: ${range}`);
  if (text === "all" && low <= last) return Array.from({ length: last - low + 1 }, (_, i) => low + i);
  const scale = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isInteger(scale) || scale < low || scale > last)
    throw new UsageError(`--start-scale must be ${range}, not ${JSON.stringify(text)}`);
  return [scale];
}
