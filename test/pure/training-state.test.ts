// The state machine of the view Train, without a browser: what can be pressed when, and that nothing is given up too early.

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

/** One state of each kind, by the way to it. */
const STATES = {
  loading: [],
  "no-gpu": [step("photo"), NONE],
  blocked: [...READY, GONE],
  ready: READY,
  planning: PLANNING,
  training: TRAINING,
  paused: [...TRAINING, step("pause")],
  recovering: [...TRAINING, step("lost")],
  stopping: [...TRAINING, step("stop")],
} satisfies Record<string, Step[]>;

test.each(Object.entries(STATES))("%s: what can be pressed", (kind, steps) => {
  const state = stateAfter(...steps);
  const { canStart, canContinue, canChoose, canPause, canResume, canStop, canJudge } = controlsOf(state);
  expect(state.phase.kind).toBe(kind);
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

const EVERY: Step[] = [
  ...(["gpu", "failed", "photo", "start", "plan", "pause", "resume", "stop", "lost", "ended"] as const).map(step),
  ...[GONE, NONE, scale("another"), { kind: "refused" as const, isRefused: true }],
];

test("no sequence of two steps from any state leads out of the states, or to a start that can't be pressed", () => {
  for (const steps of Object.values(STATES)) {
    for (const first of EVERY) {
      for (const second of EVERY) {
        const state = stateAfter(...steps, first, second);
        expect(Object.keys(STATES)).toContain(state.phase.kind);
        const { canStart, canStop } = controlsOf(state);
        expect(canStart && canStop).toBe(false);
        if (canStart) expect(next(state, step("start")).phase.kind).toBe("planning");
        else expect(next(state, step("start"))).toBe(state);
      }
    }
  }
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
