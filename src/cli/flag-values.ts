// Values of flags that several commands take: start scales, sizes and factors.

import type { Wraps } from "../image/planes.ts";
import type { Size } from "../singan/model/config.ts";
import { type Args, type FlagHelp, UsageError } from "./args.ts";

export const startScaleFlag = (help: string): FlagHelp => ({ "start-scale N|all": help });

/** The scales that the flag names: all from low to last, or one of them; without the flag `fallback`. Throws UsageError. */
export function startScales(args: Args, low: number, last: number, fallback?: number): readonly number[] {
  const text = args.text("start-scale");
  if (text === undefined && fallback !== undefined) return [fallback];
  const range =
    low > last
      ? "but the model has no such scale"
      : low === last
        ? `${low}, or all`
        : `a whole number from ${low} to ${last}, or all`;
  if (text === undefined) throw new UsageError(`--start-scale is missing: ${range}`);
  if (text === "all" && low <= last) return Array.from({ length: last - low + 1 }, (_, i) => low + i);
  const scale = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isInteger(scale) || scale < low || scale > last)
    throw new UsageError(`--start-scale must be ${range}, not ${JSON.stringify(text)}`);
  return [scale];
}

/** Reads two positive whole numbers of pixels. Throws UsageError. */
export function readSize(flag: string, text: string, example: string): Size {
  const sides = /^(\d{1,9})[x×](\d{1,9})$/.exec(text)?.slice(1).map(Number);
  if (!sides || sides.includes(0))
    throw new UsageError(`--${flag} must be WIDTHxHEIGHT in pixels, as ${example}, not ${JSON.stringify(text)}`);
  return { width: sides[0]!, height: sides[1]! };
}

/** Reads two positive factors, of the width and of the height. Throws UsageError. */
export function readFactors(flag: string, text: string, example: string): readonly [number, number] {
  const factors = /^(\d+\.?\d*|\.\d+)[x×](\d+\.?\d*|\.\d+)$/.exec(text)?.slice(1).map(Number);
  if (!factors || factors.includes(0))
    throw new UsageError(`--${flag} must be WIDTHxHEIGHT in factors, as ${example}, not ${JSON.stringify(text)}`);
  return [factors[0]!, factors[1]!];
}

/** The flag's value, one of `choices`, or `fallback` without the flag. Throws UsageError. */
export function choice<T extends string, F>(args: Args, name: string, choices: readonly T[], fallback: F): T | F {
  const text = args.text(name);
  const chosen = text === undefined ? fallback : choices.find((one) => one === text);
  if (text === undefined || chosen !== undefined) return chosen as T | F;
  throw new UsageError(`--${name} must be ${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}, not ${JSON.stringify(text)}`);
}

/** The axes on which pictures are to be seamless, by --tile; null without the flag. Throws UsageError. */
export function tileFlag(args: Args): Wraps | null {
  const tile = choice(args, "tile", ["x", "y", "both"], null);
  return tile && { x: tile !== "y", y: tile !== "x" };
}
