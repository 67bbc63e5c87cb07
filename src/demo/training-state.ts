// The state of the view Train: one pure machine. All that the page enables, disables and hides there follows from it.

/** What a training works towards: something that can be played with. */
interface Models<M> {
  /** Of the present or last training: its finished scales. */
  readonly own: M | null;
  /** Of the training before, until the present one has a model of its own: nothing is given up before its successor exists. */
  readonly former: M | null;
}

type Phase =
  /** The GPU is being looked for. */
  | { readonly kind: "loading" }
  /** There is no GPU. */
  | { readonly kind: "no-gpu" }
  /** There was a GPU, and this page gets no other one. */
  | { readonly kind: "blocked" }
  | { readonly kind: "ready" }
  /** A training was asked for, and has no plan yet. */
  | { readonly kind: "planning" }
  | { readonly kind: "training" }
  | { readonly kind: "paused" }
  /** The GPU was lost, and another one is asked for. */
  | { readonly kind: "recovering"; readonly resumes: "planning" | "training" }
  | { readonly kind: "stopping"; readonly hadPlan: boolean };

export type PhaseName = Phase["kind"];

export interface TrainState<M> {
  readonly phase: Phase;
  readonly hasPhoto: boolean;
  /** The GPU is too small for the chosen settings. */
  readonly isRefused: boolean;
  readonly models: Models<M>;
}

export type TrainStep<M> =
  | { readonly kind: "gpu" }
  | { readonly kind: "noGpu"; readonly wasLost: boolean }
  /** Something else went wrong, which the next training may not meet. */
  | { readonly kind: "failed" }
  | { readonly kind: "photo" }
  | { readonly kind: "refused"; readonly isRefused: boolean }
  | { readonly kind: "start" }
  | { readonly kind: "plan" }
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "stop" }
  | { readonly kind: "lost" }
  | { readonly kind: "scale"; readonly model: M }
  | { readonly kind: "ended" };

export const FIRST_STATE: TrainState<never> = {
  phase: { kind: "loading" },
  hasPhoto: false,
  isRefused: false,
  models: { own: null, former: null },
};

/** The state after a step. A step that does not fit the state changes nothing: messages of the worker may come late. */
export function next<M>(state: TrainState<M>, step: TrainStep<M>): TrainState<M> {
  const { models } = state;
  // A model of another photo must not look like one of this photo.
  if (step.kind === "photo") return { ...state, hasPhoto: true, models: isRunning(state) ? models : asFormer(models) };
  if (step.kind === "refused") return { ...state, isRefused: step.isRefused };
  if (step.kind === "scale") return isRunning(state) ? { ...state, models: { own: step.model, former: null } } : state;
  if (step.kind === "start" && !controlsOf(state).canStart) return state;
  const begun = step.kind === "start" ? asFormer(models) : models;
  return { ...state, phase: nextPhase(state.phase, step) ?? state.phase, models: begun };
}

const asFormer = <M>({ own, former }: Models<M>): Models<M> => ({ own: null, former: own ?? former });

/** Null where the step changes nothing. */
function nextPhase(
  phase: Phase,
  { kind, ...more }: Exclude<TrainStep<unknown>, { kind: "photo" | "refused" | "scale" }>,
): Phase | null {
  const at = phase.kind;
  switch (kind) {
    case "gpu":
      if (at === "recovering") return { kind: phase.resumes };
      return at === "loading" || at === "no-gpu" || at === "blocked" ? { kind: "ready" } : null;
    case "noGpu":
      return { kind: (more as { wasLost: boolean }).wasLost ? "blocked" : "no-gpu" };
    case "failed":
      return at === "loading" ? { kind: "ready" } : null;
    case "start":
      return { kind: "planning" };
    case "plan":
      if (at === "recovering") return { kind: "recovering", resumes: "training" };
      if (at === "stopping") return { kind: "stopping", hadPlan: true };
      return at === "planning" ? { kind: "training" } : null;
    case "pause":
      return at === "training" ? { kind: "paused" } : null;
    case "resume":
      return at === "paused" ? { kind: "training" } : null;
    case "stop":
      if (at === "recovering") return { kind: "stopping", hadPlan: phase.resumes === "training" };
      return at === "planning" || at === "training" || at === "paused" ? { kind: "stopping", hadPlan: at !== "planning" } : null;
    case "lost":
      return at === "planning" || at === "training" ? { kind: "recovering", resumes: at } : null;
    case "ended":
      return RUNNING.includes(at) ? { kind: "ready" } : null;
  }
}

const RUNNING: readonly PhaseName[] = ["planning", "training", "paused", "recovering", "stopping"];

/** Whether the worker is busy with a training. */
export const isRunning = ({ phase }: TrainState<unknown>): boolean => RUNNING.includes(phase.kind);

/** What the visitor can do. */
export interface Controls<M> {
  readonly canStart: boolean;
  /** An unfinished training can be continued or given up. */
  readonly canContinue: boolean;
  readonly canChoose: boolean;
  readonly canPause: boolean;
  readonly canResume: boolean;
  readonly canStop: boolean;
  /** What "Play with it" opens; null while there is nothing. */
  readonly playable: M | null;
  /** It is the model of an earlier training. */
  readonly isFormer: boolean;
  /** The sample of the training can be judged. */
  readonly canJudge: boolean;
}

export function controlsOf<M>(state: TrainState<M>): Controls<M> {
  const { phase, hasPhoto, isRefused, models } = state;
  const running = isRunning(state);
  const isFormer = models.own === null && models.former !== null;
  return {
    canStart: phase.kind === "ready" && hasPhoto && !isRefused,
    canContinue: phase.kind === "ready",
    canChoose: !running,
    canPause: phase.kind === "training",
    canResume: phase.kind === "paused",
    canStop: running && phase.kind !== "stopping",
    playable: models.own ?? (running ? null : models.former),
    isFormer: isFormer && !running,
    canJudge: phase.kind === "training" || phase.kind === "paused",
  };
}
