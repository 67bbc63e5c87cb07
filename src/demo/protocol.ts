// The messages between the page (main.ts) and the GPU's worker (worker.ts); those of the features are in features/messages.ts.

import type { Rgb8 } from "../image/planes.ts";
import type { srOptions } from "../singan/generation/applications/super-resolution.ts";
import type { PresetName, Size, TrainOptions } from "../singan/model/config.ts";
import type { LossRecord, Work } from "../singan/model/model.ts";
import type { TrainingPlan } from "../singan/training/plan.ts";
import type { SetbackEvent } from "../singan/training/train-to-end.ts";
import type { ModelSource } from "./features/feature.ts";
import type { JobMessage, JobReport } from "./features/messages.ts";
import type { KeptModel } from "./kept-models.ts";
import type { GpuDetails } from "./report.ts";
import type { StepSpeed } from "./speed.ts";

export type PresetChoice = "auto" | PresetName;
/** The presets that the page offers, lightest first after auto. It makes no animations, so it does not offer theirs. */
export const OFFERED = ["auto", "preview", "balanced", "full"] as const satisfies readonly PresetChoice[];
export type OfferedPreset = (typeof OFFERED)[number];
/** The options a visitor can set; what is absent comes from the preset. */
export type FormOptions = Partial<
  Pick<TrainOptions, "seed" | "maxSize" | "iterations" | "channels" | "imageChannels" | keyof ReturnType<typeof srOptions>>
>;

export interface NamedPhoto {
  readonly name: string;
  readonly photo: Rgb8;
}

/** A training that was stopped or interrupted, and can be continued. */
export interface Unfinished extends NamedPhoto {
  /** Part of the work that is done, 0 to 1. */
  readonly share: number;
}

export type Request =
  /** The new model has this id. */
  | ({
      readonly kind: "start";
      readonly id: string;
      readonly preset: PresetChoice;
      readonly options: FormOptions;
    } & NamedPhoto & {
        /** Whether the visitor agreed to give up the unfinished training. */
        readonly replaces: boolean;
      })
  /** Goes on with the unfinished training. */
  | { readonly kind: "continue"; readonly id: string }
  /** Gives up the unfinished training. */
  | { readonly kind: "discard" }
  /** Asks what the presets would take with this photo; `chosen` has these options. The reports `forecast` follow, and `timing` where the GPU's speed is not known yet. A newer one replaces it. */
  | { readonly kind: "forecast"; readonly photo: Size; readonly chosen: OfferedPreset; readonly options: FormOptions }
  | { readonly kind: "cancelForecast" }
  | { readonly kind: "agree" }
  /** Whether previews should come with the discriminator's judgement. */
  | { readonly kind: "judge"; readonly isWanted: boolean }
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "stop" }
  /** Opens the model file of this name under an id. */
  | { readonly kind: "open"; readonly id: string; readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> }
  /** Asks for the file of an open model. */
  | { readonly kind: "model"; readonly id: string }
  /** Frees an open model. */
  | { readonly kind: "close"; readonly id: string }
  /** Keeps an open model in this browser. A report `kept` or `notKept` follows. */
  | { readonly kind: "keep"; readonly id: string; readonly name: string }
  /** Opens a kept model under an id. */
  | { readonly kind: "openKept"; readonly id: string; readonly name: string; readonly key: string }
  | { readonly kind: "deleteKept"; readonly key: string }
  /** Asks for the kept models. */
  | { readonly kind: "listKept" }
  /** Measures how fast the GPU is, until `endMeasuring`. Reports `measuring` and then `measured` follow. */
  | { readonly kind: "measure" }
  | { readonly kind: "endMeasuring" }
  | JobMessage;

/** Why there is no GPU: see explain(). */
export type NoGpuCause = "insecure" | "missing" | "refused" | "lostUntilReload" | "lostUntilRestart";
/** What has gone wrong; `failed` explains itself in its detail, and so does `memory`, of which there was too little. */
export type Problem = NoGpuCause | "failed" | "memory";

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

/** What a training by a preset would take. */
export interface Forecast {
  readonly preset: OfferedPreset;
  /** Of the finest scale. */
  readonly size: Size;
  /** GPU memory. */
  readonly bytes: number;
  /** Null where the GPU's speed is not known. */
  readonly seconds: number | null;
}

/** A training by a preset that is not possible, and why, in one line. */
export interface Refusal {
  readonly preset: OfferedPreset;
  readonly reason: string;
  /** Whether the GPU is the reason, and not the photo or another option. */
  readonly isTooHeavy: boolean;
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
  | { readonly kind: "gpu"; readonly name: string; readonly isSoftware: boolean; readonly details: GpuDetails }
  /** The GPU is timed; the done share, 0 to 1. */
  | { readonly kind: "timing"; readonly share: number }
  /** The training would take so long that it begins only after `agree`. */
  | { readonly kind: "long"; readonly seconds: number }
  | ({ readonly kind: "forecast" } & (Forecast | Refusal))
  | ({ readonly kind: "plan" } & Plan)
  | ({ readonly kind: "progress" } & Progress)
  /** `judged` is the sample, coloured by what the discriminator says of it; only where that is wanted. */
  | ({ readonly kind: "preview"; readonly judged?: Rgb8 } & Pictures)
  | ({ readonly kind: "scaleDone"; readonly scale: number } & Pictures)
  /** The GPU was lost, and another one is asked for. A report `gpu` or `problem` follows. */
  | { readonly kind: "recovering" }
  | ({ readonly kind: "setback" } & Pick<SetbackEvent, "reason" | "scale" | "iteration">)
  /** The training that this browser keeps; null where there is none. */
  | { readonly kind: "unfinished"; readonly kept: Unfinished | null }
  /** Something that the visitor should know, in one line; the training goes on. */
  | { readonly kind: "warning"; readonly line: string }
  /** The training is over, for whatever reason; the finished scales can be sampled. */
  | { readonly kind: "ended"; readonly isComplete: boolean }
  /** A model file is open. */
  | ({ readonly kind: "opened" } & Omit<ModelSource, "kind">)
  | { readonly kind: "model"; readonly id: string; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "kept"; readonly id: string; readonly key: string }
  /** Why a model could not be kept, as the middle of a sentence. */
  | { readonly kind: "notKept"; readonly id: string; readonly why: string }
  /** The kept models; `trouble` says why there can't be any. */
  | { readonly kind: "keptModels"; readonly models: readonly KeptModel[]; readonly trouble: string | null }
  /** The done share, 0 to 1. */
  | { readonly kind: "measuring"; readonly share: number }
  /** Empty where the measurement was ended. */
  | { readonly kind: "measured"; readonly speeds: readonly StepSpeed[] }
  | JobReport
  /** `isHarmless`: the visitor can mend it, and it is no fault of the page. */
  | { readonly kind: "problem"; readonly problem: Problem; readonly detail: string; readonly isHarmless: boolean };
