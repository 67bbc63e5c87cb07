// Sizes in the words of the command line: WIDTHxHEIGHT.

import type { Size } from "../singan/model/config.ts";
import { UsageError } from "./args.ts";

export const sizeText = ({ width, height }: Size): string => `${width}x${height}`;

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
