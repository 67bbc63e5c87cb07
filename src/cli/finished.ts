// Which photos of a call are finished: their folder holds a report of the same photo and options, and a model that can be read.

import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import { type PlanOptions, presetOf } from "../singan/training/plan.ts";
import { UsageError } from "./args.ts";
import { readAnyModelAt } from "./read-files.ts";

/** The options of a training and the photo that they are for: the same again needs no work. */
export interface TrainingRequest {
  readonly preset: string;
  readonly options: PlanOptions["options"];
  readonly sha256: string;
}

export const requestOf = (photo: Uint8Array, plan: PlanOptions): TrainingRequest => ({
  preset: presetOf(plan),
  options: plan.options,
  sha256: createHash("sha256").update(photo).digest("hex"),
});

/** Null where the folder holds the finished training of `request`; else the reason why not, in a few words. */
export function unfinished(
  folder: string,
  request: TrainingRequest,
  files: { readonly model: string; readonly report: string },
): string | null {
  const report = join(folder, files.report);
  if (!existsSync(report)) return "not trained yet";
  let there: Partial<TrainingRequest> | undefined;
  try {
    there = (JSON.parse(readFileSync(report, "utf8")) as { order?: Partial<TrainingRequest> }).order;
    readAnyModelAt(join(folder, files.model));
  } catch {
    return "what is there can't be read";
  }
  if (there?.sha256 !== request.sha256) return "the photo is another one";
  const sorted = (o: object | undefined) => JSON.stringify(Object.entries(o ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
  const isSame = there.preset === request.preset && sorted(there.options) === sorted(request.options);
  return isSame ? null : "the options are others";
}

/**
 * A folder for each photo, by its name; photos whose names differ in their ending only keep it. A photo given twice counts once.
 * Throws UsageError where two photos of one name remain.
 */
export function foldersFor(photos: readonly string[]): Map<string, string> {
  const files = [...new Map(photos.map((photo) => [resolve(photo), photo])).values()];
  const stem = (photo: string) => basename(photo, extname(photo));
  const isShared = (name: string) => files.filter((photo) => stem(photo) === name).length > 1;
  const folders = new Map<string, string>();
  for (const photo of files) {
    const name = isShared(stem(photo)) ? basename(photo) : stem(photo);
    const other = [...folders].find(([, taken]) => taken === name)?.[0];
    if (other !== undefined)
      throw new UsageError(`${other} and ${photo} would share the folder ${name}: rename one, or train them in two calls`);
    folders.set(photo, name);
  }
  return folders;
}
