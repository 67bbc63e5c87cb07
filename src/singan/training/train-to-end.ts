// Trains to the end: a lost GPU is replaced, and after numbers that blow up the training goes back, in both cases to its last state.

import type { Gpu } from "../../gpu/device.ts";
import { type GpuKeeper, MOST_LOSSES } from "../../gpu/gpu-keeper.ts";
import type { AnyModel } from "../model/model.ts";
import { DivergedError } from "./level-trainer.ts";
import type { TrainingState } from "./recipe.ts";
import type { TrainControl, TrainEvent } from "./train.ts";

/** A training that has gone back to its last state, and why, in one line. */
export interface SetbackEvent {
  readonly kind: "setback";
  readonly reason: "lost" | "diverged";
  readonly message: string;
  /** Where it goes on. */
  readonly scale: number;
  readonly iteration: number;
}

export interface EndControl<M extends AnyModel = AnyModel> extends Pick<TrainControl<M>, "from" | "maxBatch"> {
  /** Shortest time between two states of a scale, ms; a state is also taken before each scale. Default 2 s. */
  readonly keepMs?: number;
}

/** One try of a training, from `control.from` on. */
export type Attempt<M extends AnyModel, R> = (gpu: Gpu, control: TrainControl<M>) => AsyncGenerator<TrainEvent<M>, R>;

const KEEP_MS = 2000;
/** A training that diverges goes back at most so often. */
const MOST_DIVERGENCES = 3;

/**
 * Runs `attempt` until it ends. Events with a `state` tell where it would go on. After a setback, iterations since the last state are
 * trained anew: after a lost GPU to the same bits, in submits half as long; after a divergence with other noise. Throws the loss after
 * three without a newer state in between, and DivergedError after the fourth divergence, both with advice.
 */
export async function* toEnd<M extends AnyModel, R>(
  keeper: GpuKeeper,
  attempt: Attempt<M, R>,
  { from, maxBatch, keepMs = KEEP_MS }: EndControl<M> = {},
): AsyncGenerator<TrainEvent<M> | SetbackEvent, R> {
  let state = from ?? null;
  let keptAt = performance.now();
  let share = 1;
  const losses = { count: 0, at: state };
  const keeps = () => {
    const isDue = performance.now() - keptAt >= keepMs;
    if (isDue) keptAt = performance.now();
    return isDue;
  };
  for (;;) {
    let setback: Pick<SetbackEvent, "reason" | "message">;
    const gpu = await keeper.get();
    try {
      const control = { keeps, share, ...(state && { from: state }), ...(maxBatch !== undefined && { maxBatch }) };
      const events = attempt(gpu, control);
      try {
        for (;;) {
          const { done, value } = await events.next();
          if (done) return value;
          state = value.state ?? state;
          yield value;
        }
      } finally {
        await events.return(undefined as R); // also when left early: frees the GPU's memory
      }
    } catch (error) {
      if (error instanceof DivergedError) {
        state = withOtherNoise(state, error);
        setback = { reason: "diverged", message: error.message };
      } else {
        const loss = await keeper.lossBehind(error, gpu);
        if (!loss) throw error;
        if (losses.at !== state) losses.count = 0;
        losses.at = state;
        losses.count++;
        if (losses.count === MOST_LOSSES) {
          const where = `at scale ${state?.level ?? 0}, iteration ${state?.trainer?.iteration ?? 0}`;
          loss.message = `${loss.message}, ${MOST_LOSSES} times ${where}: try a smaller maxSize, or update the graphics driver`;
          throw loss;
        }
        await keeper.reopen(loss);
        share /= 2;
        setback = { reason: "lost", message: loss.message };
      }
    }
    yield { kind: "setback", ...setback, scale: state?.level ?? 0, iteration: state?.trainer?.iteration ?? 0 };
  }
}

/** The state to go on from after a divergence. Throws DivergedError with advice where there were too many. */
function withOtherNoise<M extends AnyModel>(state: TrainingState<M> | null, error: DivergedError): TrainingState<M> {
  const noiseStream = (state?.noiseStream ?? 0) + 1;
  if (!state || noiseStream > MOST_DIVERGENCES)
    throw new DivergedError(`${error.message}, and it went wrong ${noiseStream} times: try a lower lr, or another seed`);
  return { ...state, noiseStream };
}
