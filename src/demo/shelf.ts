// The worker's side of the models that this browser keeps: keeps an open model, lists them, opens and deletes one.

import { type Planes, toRgb8 } from "../image/planes.ts";
import { imresizeTo } from "../image/resample.ts";
import { trainedSize } from "../singan/generation/sampling.ts";
import type { AnyModel } from "../singan/model/model.ts";
import { writeModel } from "../singan/recipes.ts";
import { KeptModelError, KeptModels } from "./kept-models.ts";
import { openOpfsFolder, storageTrouble } from "./opfs-folder.ts";
import type { Report, Request } from "./protocol.ts";

const FOLDER = "singan-webgpu models";
/** Long side of a picture in the list, px. */
const THUMBNAIL_SIDE = 64;

const open = async (): Promise<KeptModels> =>
  new KeptModels(await openOpfsFolder(FOLDER), (work) => navigator.locks.request(FOLDER, work));

function thumbnailOf(photo: Planes): Planes {
  const factor = THUMBNAIL_SIDE / Math.max(photo.width, photo.height);
  if (factor >= 1) return photo;
  const side = (length: number): number => Math.max(1, Math.round(factor * length));
  return imresizeTo(photo, { width: side(photo.width), height: side(photo.height) });
}

/** Keeps a model, and reports that it is kept, or why it is not. */
export async function keepModel(
  { id, name }: Request & { kind: "keep" },
  model: AnyModel,
  post: (report: Report) => void,
): Promise<void> {
  try {
    const key = crypto.randomUUID();
    const { width, height } = trainedSize(model);
    const card = { name, width, height, keptAt: Date.now(), thumbnail: toRgb8(thumbnailOf(model.photo)) };
    await (await open()).add(key, card, writeModel(model) as Uint8Array<ArrayBuffer>);
    post({ kind: "kept", id, key });
  } catch (error) {
    post({ kind: "notKept", id, why: storageTrouble(error) });
  }
}

/** Reports the kept models, or why there can't be any. */
export async function listModels(post: (report: Report) => void): Promise<void> {
  try {
    post({ kind: "keptModels", models: await (await open()).list(), trouble: null });
  } catch (error) {
    post({ kind: "keptModels", models: [], trouble: storageTrouble(error) });
  }
}

/** A kept model's file. Throws KeptModelError. */
export const readKept = (key: string): Promise<Uint8Array<ArrayBuffer>> => orExplain((models) => models.read(key));

/** Deletes a kept model, and reports those that are left. Throws KeptModelError. */
export async function deleteKept(key: string, post: (report: Report) => void): Promise<void> {
  await orExplain((models) => models.delete(key));
  await listModels(post);
}

async function orExplain<T>(work: (models: KeptModels) => Promise<T>): Promise<T> {
  try {
    return await work(await open());
  } catch (error) {
    if (error instanceof KeptModelError) throw error;
    throw new KeptModelError(`This browser does not let the page use its kept models (${storageTrouble(error)}).`);
  }
}
