// The state machine of the view Train, without a browser: what can be pressed when, and that nothing is given up too early.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { controlsOf, FIRST_STATE, isRunning, next, type TrainState, type TrainStep } from "../../src/demo/training-state.ts";

type Step = TrainStep<string>;
const step = (kind: "gpu" | "failed" | "photo" | "start" | "plan" | "pause" | "resume" | "stop" | "lost" | "ended"): Step => ({
  kind,
});
const GONE: Step = { kind: "noGpu", wasLost: true };
const NONE: Step = { kind: "noGpu", wasLost: false };
const scale = (model: string): Step => ({ kind: "scale", model });
const stateAfter = (...steps: Step[]): TrainState<string> => steps.reduce<TrainState<string>>(next, FIRST_STATE);
const READY = [step("gpu"), step("photo")];
const PLANNING = [...READY, step("start")];
const TRAINING = [...PLANNING, step("plan")];
const DONE = [...TRAINING, scale("tulips"), step("ended")];

/** The phases with what they hold, as text. */
type PhaseText = "loading" | "no-gpu" | "blocked" | "ready" | "planning" | "training" | "paused" | Recovering | Stopping;
type Recovering = "recovering planning" | "recovering training";
type Stopping = "stopping" | "stopping after plan";

/** The way to each of them. */
const WAYS: Readonly<Record<PhaseText, Step[]>> = {
  ...{ loading: [], "no-gpu": [step("photo"), NONE], blocked: [...READY, GONE], ready: READY },
  ...{ planning: PLANNING, training: TRAINING, paused: [...TRAINING, step("pause")] },
  ...{ "recovering planning": [...PLANNING, step("lost")], "recovering training": [...TRAINING, step("lost")] },
  ...{ stopping: [...PLANNING, step("stop")], "stopping after plan": [...TRAINING, step("stop")] },
};
const PHASES = Object.keys(WAYS) as PhaseText[];
const IDLE: readonly PhaseText[] = ["loading", "no-gpu", "blocked", "ready"];

function textOf({ phase }: TrainState<string>): PhaseText {
  if (phase.kind === "recovering") return `recovering ${phase.resumes}`;
  return phase.kind === "stopping" && phase.hadPlan ? "stopping after plan" : phase.kind;
}

test.each(Object.entries(WAYS))("%s: what can be pressed", (text, steps) => {
  const state = stateAfter(...steps);
  const { kind } = state.phase;
  const { canStart, canContinue, canChoose, canPause, canResume, canStop, canJudge } = controlsOf(state);
  expect(textOf(state)).toBe(text);
  const running = ["planning", "training", "paused", "recovering", "stopping"].includes(kind);
  expect(isRunning(state)).toBe(running);
  expect({ canStart, canContinue, canChoose, canPause, canResume, canStop, canJudge }).toEqual({
    canStart: kind === "ready",
    canContinue: kind === "ready",
    canChoose: !running,
    canPause: kind === "training",
    canResume: kind === "paused",
    canStop: running && kind !== "stopping",
    canJudge: kind === "training" || kind === "paused",
  });
});

/** Where each step leads; from all other phases it leads nowhere. */
const LEADS: readonly (readonly [Step, Partial<Record<PhaseText, PhaseText>>])[] = [
  [
    step("gpu"),
    {
      ...{ loading: "ready", "no-gpu": "ready", blocked: "ready" },
      ...{ "recovering planning": "planning", "recovering training": "training" },
    },
  ],
  [NONE, Object.fromEntries(PHASES.map((from) => [from, "no-gpu"]))],
  [GONE, Object.fromEntries(PHASES.map((from) => [from, "blocked"]))],
  [step("failed"), { loading: "ready" }],
  [step("start"), { ready: "planning" }],
  [step("plan"), { planning: "training", "recovering planning": "recovering training", stopping: "stopping after plan" }],
  [step("pause"), { training: "paused" }],
  [step("resume"), { paused: "training" }],
  [
    step("stop"),
    {
      ...{ planning: "stopping", "recovering planning": "stopping" },
      ...{ training: "stopping after plan", paused: "stopping after plan", "recovering training": "stopping after plan" },
    },
  ],
  [step("lost"), { planning: "recovering planning", training: "recovering training" }],
  [step("ended"), Object.fromEntries(PHASES.filter((from) => !IDLE.includes(from)).map((from) => [from, "ready"]))],
  [step("photo"), {}],
  [scale("another"), {}],
  [{ kind: "refused", isRefused: true }, {}],
];

test.each(LEADS)("%o leads from each phase where it should", (taken, leads) => {
  for (const from of PHASES) {
    expect([from, textOf(next(stateAfter(...WAYS[from]), taken))]).toEqual([from, leads[from] ?? from]);
  }
});

test("after any steps: nothing is given up before its successor exists, and what can be pressed fits together", () => {
  // Steps in their usual order are the most frequent, so that most sequences get far.
  const any = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(step("gpu"), step("photo"), step("start"), step("plan"), step("ended")) },
    { weight: 4, arbitrary: fc.constantFrom(...LEADS.map(([taken]) => taken)) },
    { weight: 3, arbitrary: fc.integer().map((number) => scale(`model ${number}`)) },
    { weight: 1, arbitrary: fc.boolean().map((isRefused): Step => ({ kind: "refused", isRefused })) },
  );
  fc.assert(
    fc.property(fc.array(any, { maxLength: 40 }), (steps) => {
      let state: TrainState<string> = FIRST_STATE;
      /** The newest model, and whether it is of a training that began before, or of another photo. */
      let newest: string | null = null;
      let isEarlier = false;
      let [hasPhoto, isRefused] = [false, false];
      for (const taken of steps) {
        const before = state;
        state = next(before, taken);
        if (taken.kind === "scale" && isRunning(before)) [newest, isEarlier] = [taken.model, false];
        if (taken.kind === "start" && controlsOf(before).canStart) isEarlier = true;
        if (taken.kind === "photo" && !isRunning(before)) isEarlier = true;
        if (taken.kind === "photo") hasPhoto = true;
        if (taken.kind === "refused") ({ isRefused } = taken);
        const { canStart, canContinue, canChoose, canPause, canResume, canStop, canJudge, playable, isFormer } =
          controlsOf(state);
        const running = isRunning(state);
        expect(playable).toBe(running && isEarlier ? null : newest);
        expect(isFormer).toBe(newest !== null && isEarlier && !running);
        expect(canStart).toBe(canContinue && hasPhoto && !isRefused);
        expect(canChoose).toBe(!running);
        expect([canContinue, canPause, canResume].filter(Boolean).length).toBeLessThan(2);
        expect([canContinue && running, canStop && !running, canJudge && !canStop]).not.toContain(true);
        if (!canStart) expect(next(state, step("start"))).toBe(state);
      }
    }),
    { numRuns: 2000 },
  );
});

describe("nothing is given up before its successor exists", () => {
  test("the model of an earlier training stays until the next one has a scale", () => {
    expect(controlsOf(stateAfter(...DONE))).toMatchObject({ playable: "tulips", isFormer: false });
    const again = [...DONE, step("start")];
    expect(controlsOf(stateAfter(...again)).playable).toBeNull(); // it would look like the new one
    expect(controlsOf(stateAfter(...again, step("ended")))).toMatchObject({ playable: "tulips", isFormer: true });
    expect(controlsOf(stateAfter(...again, step("plan"), GONE, step("ended")))).toMatchObject({
      playable: "tulips",
      isFormer: true,
    });
    expect(controlsOf(stateAfter(...again, step("ended"), step("start"), step("ended")))).toMatchObject({ playable: "tulips" });
    expect(controlsOf(stateAfter(...again, step("plan"), scale("clouds")))).toMatchObject({
      playable: "clouds",
      isFormer: false,
    });
  });

  test("after the last loss, Start is disabled, and so is Continue", () => {
    const state = stateAfter(...TRAINING, scale("tulips"), step("lost"), GONE, step("ended"));
    expect(controlsOf(state)).toMatchObject({ canStart: false, canContinue: false, playable: "tulips" });
    expect(next(state, step("start"))).toBe(state);
  });

  test("another photo: the model is that of an earlier one from then on", () => {
    expect(controlsOf(stateAfter(...DONE, step("photo")))).toMatchObject({ playable: "tulips", isFormer: true });
  });
});

test("a loss in the middle: the training goes on where it was, and can be stopped meanwhile", () => {
  expect(stateAfter(...PLANNING, step("lost"), step("gpu")).phase).toEqual({ kind: "planning" });
  expect(stateAfter(...TRAINING, step("lost"), step("gpu")).phase).toEqual({ kind: "training" });
  expect(stateAfter(...PLANNING, step("lost"), step("plan"), step("gpu")).phase).toEqual({ kind: "training" });
  expect(stateAfter(...TRAINING, step("lost"), step("stop")).phase).toEqual({ kind: "stopping", hadPlan: true });
  expect(stateAfter(...PLANNING, step("lost"), step("stop")).phase).toEqual({ kind: "stopping", hadPlan: false });
  expect(stateAfter(...TRAINING, step("pause"), step("lost"), step("gpu")).phase).toEqual({ kind: "paused" });
});

test("a plan that comes after Stop does not start the training again", () => {
  expect(stateAfter(...PLANNING, step("stop"), step("plan")).phase).toEqual({ kind: "stopping", hadPlan: true });
});

test("settings that the GPU refuses can't be started, others can", () => {
  const refused = stateAfter(...READY, { kind: "refused", isRefused: true });
  expect(controlsOf(refused).canStart).toBe(false);
  expect(controlsOf(next(refused, { kind: "refused", isRefused: false })).canStart).toBe(true);
});
