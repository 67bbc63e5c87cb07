// What the workers do for each feature. GPU_WORK is for models, in the GPU's worker; INSTANT_WORK for photos without a model, on the processor.

import type { Planes } from "../../image/planes.ts";
import type { OpenDenoiser } from "../../instant/instant.ts";
import type { Sampler } from "../../singan/generation/sampling.ts";
import type { AnyModel } from "../../singan/model/model.ts";
import type { FeatureName, Reply, Request } from "./messages.ts";

interface WorkPlace<K extends FeatureName> {
  reply(reply: Reply<K>): void;
  /** Lets the worker receive messages. Throws Cancelled where the work is not wanted any more: call it between pictures. */
  pass(): Promise<void>;
}

export interface ModelPlace<K extends FeatureName> extends WorkPlace<K> {
  readonly model: AnyModel;
  /** Calls `work` with the model on the GPU, again where the GPU is lost meanwhile. */
  withSampler<T>(work: (sampler: Sampler) => Promise<T>): Promise<T>;
}
export type ModelWork<K extends FeatureName> = (request: Request<K>, place: ModelPlace<K>) => Promise<void>;

export interface PhotoPlace<K extends FeatureName> extends WorkPlace<K> {
  readonly photo: Planes;
  readonly open: OpenDenoiser;
}
export type PhotoWork<K extends FeatureName> = (request: Request<K>, place: PhotoPlace<K>) => Promise<void>;

/** A job ended before it was done, because nobody wants it any more. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
}
