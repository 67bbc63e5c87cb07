// Opens the GPU for one run of the command line, and tunes its kernels with the timings stored on this computer. With SINGAN_TUNE=off,
// a training neither reads nor times them.

import type { Gpu } from "../gpu/device.ts";
import { GpuKeeper } from "../gpu/gpu-keeper.ts";
import { openAdapter } from "../node/adapter.ts";
import { tuningFile } from "../node/tuning-file.ts";
import { openDevice } from "../runtime/open.ts";
import type { Timing, TuningCase } from "../runtime/tune.ts";
import { casesOf, type Kernels, multiplyAdds, Tuner } from "../runtime/tuner.ts";
import { planWithoutGpu, selfTest, tuneTraining } from "../singan/recipes.ts";
import { graphsOf } from "../singan/training/dry-run.ts";
import type { TrainingPlan } from "../singan/training/plan.ts";
import type { Session } from "./session.ts";

/** Longest tuning per scale; convolutions that are not timed by then use the static choice. */
const SCALE_BUDGET_MS = 3000;

const mayTune = (env: Readonly<Record<string, string | undefined>> = process.env): boolean => env["SINGAN_TUNE"] !== "off";

/**
 * Finds the fastest kernels for a training, where an earlier run has not done so. On software adapters only `doctor --tune` does it:
 * there compiling the candidates takes longer than a small training.
 */
export async function tuneFor(
  gpu: Gpu,
  session: Session,
  plan: Pick<TrainingPlan, "pyramid" | "options">,
  includes?: (scale: number) => boolean,
): Promise<void> {
  if (!mayTune()) return;
  const tuner = await Tuner.open(gpu, tuningFile());
  if (gpu.isSoftware) return;
  let isNoted = false;
  const onTimed = () => {
    if (!isNoted) session.note("timing kernels, once on this computer …");
    isNoted = true;
  };
  await tuneTraining(gpu, tuner, plan, { budgetMs: SCALE_BUDGET_MS, onTimed, ...(includes && { includes }) });
}

/** The photo whose typical scales are timed, and which of them: the last would take minutes on a software adapter. */
const DOCTOR_PHOTO = { width: 250, height: 188 };
const DOCTOR_SCALES = { software: [0, 3], hardware: [0, 3, 9] };
const DOCTOR_BUDGET_MS = 60_000;

/** Times the convolutions of a training at the paper's size, for about a minute. Returns rows of op and size, kernel, ms, GFLOP/s. */
export async function doctorTuning(gpu: Gpu, session: Session): Promise<string[][]> {
  const tuner = await Tuner.open(gpu, tuningFile());
  const rows = [["convolution", "fastest kernel", "ms", "GFLOP/s"]];
  const add = (key: string, { variant, ms }: Timing, one: TuningCase) => {
    rows.push([key, variant, ms.toFixed(3), ((2 * multiplyAdds(one.opName, one.op)) / ms / 1e6).toFixed(1)]);
  };
  const end = performance.now() + DOCTOR_BUDGET_MS;
  const outline = planWithoutGpu(DOCTOR_PHOTO, { preset: "full", options: {} });
  for (const scale of DOCTOR_SCALES[gpu.isSoftware ? "software" : "hardware"]) {
    const cases = casesOf(await graphsOf(gpu, outline, scale));
    for (const [key, timing, one] of tuner.known(cases)) add(key, timing, one);
    const onTimed = (key: string, timing: Timing, one: TuningCase) => {
      add(key, timing, one);
      session.note(`${key}: ${timing.variant}, ${timing.ms.toFixed(3)} ms`);
    };
    await tuner.tune(cases, { budgetMs: end - performance.now(), onTimed });
  }
  return rows;
}

/** Forgets all that was timed on this computer. */
export const forgetTuning = (): Promise<void> => tuningFile().clear();

/**
 * Opens the GPU, and disposes it with the session: Dawn crashes if a process exits while work is pending. Throws NoAdapterError, and GpuError
 * where the adapter refuses.
 */
export async function openGpu(session: Session, adapter?: GPUAdapter): Promise<Gpu> {
  const gpu = await openDevice(adapter ?? (await openAdapter()));
  session.onExit(() => gpu.dispose(), { waits: true });
  session.onInterrupt(() => gpu.idle());
  return gpu;
}

/** The GPU of a command that trains: a lost one is replaced, and runs the same kernels. */
export class TrainingGpu {
  readonly keeper: GpuKeeper;
  #kernels: Kernels | null = null;

  constructor(private readonly session: Session) {
    const open = async () => openDevice(await openAdapter());
    this.keeper = new GpuKeeper(open, { onReopened: (gpu) => this.#kernels && this.#use(gpu, this.#kernels) });
    session.onExit(() => this.keeper.dispose(), { waits: true });
    session.onInterrupt(() => this.keeper.idle());
  }

  /** What the training runs, after prepare(). */
  get kernels(): Kernels {
    return this.#kernels!;
  }

  /** Chooses the kernels of a training, `kept` ones where they are those of this GPU, and tests them. Throws GpuError where it computes wrong results. */
  async prepare(outline: Pick<TrainingPlan, "pyramid" | "options">, kept?: Kernels): Promise<void> {
    const { session } = this;
    this.#kernels = await this.keeper.run(async (gpu) => {
      if (!kept || !this.#use(gpu, kept)) await tuneFor(gpu, session, outline);
      for (const line of await selfTest(gpu, outline)) session.note(line);
      return Tuner.kernelsOf(gpu);
    });
  }

  #use(gpu: Gpu, kernels: Kernels): boolean {
    const isSame = Tuner.use(gpu, kernels);
    if (!isSame)
      this.session.note(
        `this is another GPU than before, or another version of this program: the training goes on, but not to the same bits (${gpu.adapterName})`,
      );
    return isSame;
  }
}
