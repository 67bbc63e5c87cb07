// Which parts of the generator learn at a stage, and how fast next to the newest. Official code: the optimiser of train_single_scale.

import type { TrainOptions } from "../../model/config.ts";
import { type Part, stagePart } from "../../model/consingan-shapes.ts";

export interface TrainedPart {
  readonly part: Part;
  /** Its learning rate is lr times this. */
  readonly rate: number;
}

/**
 * While stage `stage` trains: the newest `trainedStages` stages, a stage δ as fast as the one above it; the tail as fast as the newest; and
 * the head, δ^stage as fast, as long as no stage is frozen.
 */
export function trainedParts(stage: number, { trainedStages, lrScale }: TrainOptions): TrainedPart[] {
  const first = Math.max(0, stage + 1 - trainedStages);
  const body = Array.from({ length: stage + 1 - first }, (_, i): TrainedPart => {
    const k = first + i;
    return { part: stagePart(k), rate: lrScale ** (stage - k) };
  });
  const head: TrainedPart[] = stage < trainedStages ? [{ part: "head", rate: lrScale ** stage }] : [];
  return [...head, ...body, { part: "tail", rate: 1 }];
}
