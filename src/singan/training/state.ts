// A whole training between two iterations as plain data: everything that the rest of it depends on.
// Gradients and activations are not part of it, for every iteration computes them anew; random numbers are functions of the iteration.

import type { AnyModel, LossRecord } from "../model/model.ts";
import type { TrainerState } from "./level-trainer.ts";
import type { FinishedLevels } from "./recipe.ts";

export interface TrainingState<M extends AnyModel = AnyModel> extends FinishedLevels<M> {
  /** The level in training. */
  readonly level: number;
  /** Its trainer; null where the level is not begun. */
  readonly trainer: TrainerState | null;
  /** Its losses after the last iteration; null where the level is not begun. */
  readonly losses: LossRecord | null;
  /** Seconds spent on it. */
  readonly seconds: number;
}
