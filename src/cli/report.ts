// How commands write their results: paths or JSON, tables, sizes, counts, names of files, and versions.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { version } from "../../package.json";
import { trainedSize } from "../singan/generation/sampling.ts";
import type { Size } from "../singan/model/config.ts";
import type { AnyModel, ScaleRecord } from "../singan/model/model.ts";
import type { Args } from "./args.ts";
import type { Session } from "./session.ts";

/** The facts of a trained scale, without its networks. */
export const describeScale = ({ size, channels, noiseAmp, losses, seconds }: ScaleRecord) => ({
  ...{ size: sizeText(size), channels, noiseAmp, losses, seconds },
});

export const sizeText = ({ width, height }: Size): string => `${width}x${height}`;

/** The name of a sample, by its index: 000.png, 001.png, … */
export const sampleName = (index: number): string => `${String(index).padStart(3, "0")}.png`;

export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, c) => Math.max(...rows.map((row) => row[c]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, c) => cell.padEnd(widths[c]!))
      .join("  ")
      .trimEnd(),
  );
}

export const VERSION: string = version;

/** The version of the package `webgpu`, which is Dawn for Node. Null if it is not installed. */
function dawnVersion(): string | null {
  try {
    const manifest = createRequire(import.meta.url).resolve("webgpu/package.json");
    return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
  } catch {
    return null;
  }
}

export const versions = () => ({
  "singan-webgpu": VERSION,
  node: process.versions.node,
  webgpu: dawnVersion(),
  platform: `${process.platform} ${process.arch}`,
});

/** "1 scale", "3 scales". */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** Says of a model whose training is unfinished what its pictures are. */
export function noteUnfinished(session: Session, model: AnyModel): void {
  const [finished, all] = [model.scales.length, model.sizes.length];
  if (finished < all)
    session.note(`the training has ${finished} of ${all} scales so far: pictures have ${sizeText(trainedSize(model))}`);
}

/** Writes the paths of the results, or with --json one object. */
export function showResults(args: Args, session: Session, paths: readonly string[], json: object): void {
  if (args.has("json")) session.result(JSON.stringify(json));
  else for (const path of paths) session.result(path);
}
