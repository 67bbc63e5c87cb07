// Which photos of a call are finished: their folder holds a report of such a training, its very model, and all files that are asked for.

import { existsSync, readFileSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import type { TrainOptions } from "../singan/model/config.ts";
import { type AnyModel, isConsingan } from "../singan/model/model.ts";
import { readModel } from "../singan/recipes.ts";
import { UsageError } from "./args.ts";
import { sha256Of, type TrainingRequest } from "./request.ts";
import type { Trained } from "./training.ts";

/** A finished training; its previews are lost where it was not finished just now. */
export type Finished = Omit<Trained, "previews"> & Partial<Trained>;

type There =
  | ({ readonly kind: "finished" } & Pick<Trained, "fault">)
  /** The model is there, but not all of the other files. */
  | ({ readonly kind: "incomplete"; readonly missing: string } & Finished)
  | { readonly kind: "other"; readonly why: string };

/** What a folder holds of a training that does not differ; null where it holds no report. */
export function finishedIn(
  folder: string,
  files: { readonly model: string; readonly report: string; readonly scales: string },
  names: readonly string[],
  differs: (there: TrainingRequest, made: TrainOptions) => string | null,
): There | null {
  const report = join(folder, files.report);
  if (!existsSync(report)) return null;
  try {
    const { request, modelSha256, preset, seconds, fault = null } = JSON.parse(readFileSync(report, "utf8"));
    if (!existsSync(join(folder, files.model))) return { kind: "other", why: `it lacks ${files.model}` };
    const bytes = readFileSync(join(folder, files.model));
    if (sha256Of(bytes) !== modelSha256) return { kind: "other", why: "its model is not the one of its report" };
    const model: AnyModel = readModel(bytes);
    const difference = differs(request, model.options);
    if (difference) return { kind: "other", why: `it holds a training ${difference}` };
    const missing = names.find(
      (name) => !existsSync(join(folder, name)) && !(name === files.scales && isConsingan(model)), // can't be made again
    );
    if (missing === undefined) return { kind: "finished", fault };
    return { kind: "incomplete", missing, model, preset, seconds, fault };
  } catch {
    return { kind: "other", why: "what is there can't be read" };
  }
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
