// The tasks of the device bundle in their order, and how the time is split between them. Plain data; run-task.ts has what they do.

export interface Task {
  /** Letter for --parts. */
  readonly part: string;
  readonly name: string;
  readonly what: string;
  /** Share of the budget, relative to the other tasks that are still to come. */
  readonly weight: number;
  /** What it writes into the results folder. */
  readonly files: readonly string[];
}

export const FILES = {
  vectors: "vectors.txt",
  kernels: "kernels.txt",
  tuned: "bench-device.ndjson",
  untuned: "untuned-device.ndjson",
  /** The tuner's table, which the tasks share. */
  tuning: "tuning.json",
  profile: "profile-device.json",
  pytorch: "pytorch-device.ndjson",
  /** Folder of the trained model and its pictures. */
  training: "training",
} as const;

export const TASKS: readonly Task[] = [
  { part: "a", name: "vectors", what: "PyTorch vectors and recorded trainings", weight: 1.5, files: [FILES.vectors] },
  { part: "a", name: "kernels", what: "every kernel against the f64 reference", weight: 4, files: [FILES.kernels] },
  { part: "b", name: "tuned", what: "peaks, tuned convolutions, whole steps", weight: 4, files: [FILES.tuned, FILES.tuning] },
  { part: "b", name: "untuned", what: "the same without tuning", weight: 2.5, files: [FILES.untuned] },
  { part: "c", name: "profile", what: "an iteration kernel by kernel, every scale", weight: 2, files: [FILES.profile] },
  { part: "d", name: "pytorch", what: "the same iterations in PyTorch, where it is", weight: 2, files: [FILES.pytorch] },
  { part: "e", name: "training", what: "one photo at the paper's size", weight: 4, files: [FILES.training] },
];

export const PARTS: readonly string[] = [...new Set(TASKS.map(({ part }) => part))];

/** Milliseconds for the first of `tasks`, where they have `leftMs` in all: what a task leaves goes to the later ones. */
export const share = (tasks: readonly Task[], leftMs: number): number =>
  (leftMs * tasks[0]!.weight) / tasks.reduce((sum, { weight }) => sum + weight, 0);
