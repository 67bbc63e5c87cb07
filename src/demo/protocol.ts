// The messages between the page (main.ts) and the worker that trains (worker.ts).

import type { Rgb8 } from "../image/planes.ts";
import type { PresetName, Size, TrainOptions } from "../singan/model/config.ts";
import type { LossRecord, Work } from "../singan/model/model.ts";
import type { TrainingPlan } from "../singan/training/plan.ts";

export type PresetChoice = "auto" | PresetName;
/** The options a visitor can set; what is absent comes from the preset. */
export type FormOptions = Partial<Pick<TrainOptions, "seed" | "maxSize" | "iterations" | "channels">>;

export type Request =
  | { readonly kind: "start"; readonly photo: Rgb8; readonly preset: PresetChoice; readonly options: FormOptions }
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "stop" }
  | { readonly kind: "sample"; readonly seed: number }
  | { readonly kind: "model" };

/** Why there is no GPU, or none any more; `failed` explains itself in its detail. */
export type Problem = "insecure" | "missing" | "refused" | "lost" | "failed";

/** What the page shows of a training's plan. */
export interface Plan extends Pick<TrainingPlan, "preset" | "isPicked" | "options" | "forecastSeconds"> {
  readonly sizes: readonly Size[];
}

/** The photo at a scale, the reconstruction and a random picture. */
export interface Pictures {
  readonly real: Rgb8;
  readonly reconstruction: Rgb8;
  readonly sample: Rgb8;
}

export interface Progress {
  readonly scale: number;
  readonly iteration: number;
  readonly losses: LossRecord;
  readonly work: Work;
  readonly iterationsPerSecond: number | null;
  readonly remainingSeconds: number | null;
}

export type Report =
  | { readonly kind: "gpu"; readonly name: string; readonly isSoftware: boolean }
  /** `auto` is timing the GPU. */
  | { readonly kind: "timing" }
  | ({ readonly kind: "plan" } & Plan)
  /** Kernels that compute wrong results on this GPU and are not used. */
  | { readonly kind: "faults"; readonly detail: string }
  | ({ readonly kind: "progress" } & Progress)
  | ({ readonly kind: "preview" } & Pictures)
  | ({ readonly kind: "scaleDone"; readonly scale: number } & Pictures)
  /** The training is over, for whatever reason; the finished scales can be sampled. */
  | { readonly kind: "ended"; readonly isComplete: boolean }
  | { readonly kind: "sample"; readonly seed: number; readonly scales: number; readonly picture: Rgb8 }
  | { readonly kind: "model"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "problem"; readonly problem: Problem; readonly detail: string };
