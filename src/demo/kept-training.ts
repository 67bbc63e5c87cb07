// The training that this browser keeps: at most one, in two checkpoints, which one tab at a time uses.

import type { Rgb8 } from "../image/planes.ts";
import type { Kernels } from "../runtime/tuner.ts";
import { openCheckpoints } from "../singan/recipes.ts";
import { type Checkpoint, CheckpointError } from "../singan/training/checkpoint.ts";
import type { Checkpoints, SlotStore } from "../singan/training/checkpoints.ts";
import type { TrainingState } from "../singan/training/recipe.ts";
import { storageTrouble } from "./opfs-folder.ts";
import { openOpfsSlots } from "./opfs-slots.ts";
import type { Plan, Unfinished } from "./protocol.ts";

const LOCK = "singan-webgpu training";
/** A tab that only looks at the checkpoints holds the lock for moments. */
const LOCK_MS = 2000;

/** What the page knows of a training, beyond its state. */
export interface Facts {
  /** The photo's. */
  readonly name: string;
  readonly plan: Plan;
  /** Part of the work that is done, 0 to 1. */
  readonly share: number;
  readonly kernels: Kernels;
}

export interface StoredTraining {
  readonly state: TrainingState;
  /** `photo`; of each finished scale, counted from 0, `0 real`, `0 reconstruction` and `0 sample`. */
  readonly pictures: ReadonlyMap<string, Rgb8>;
  readonly facts: Facts;
}

/** What is asked for does not fit the kept training, or another tab uses it. The message is for the visitor. */
export class KeptTrainingError extends Error {
  override readonly name = "KeptTrainingError";
}

/** Does work while no other tab can. Throws KeptTrainingError where one is at work. The browser frees the lock of a tab that dies. */
export async function whileAlone<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    const signal = AbortSignal.timeout(LOCK_MS);
    try {
      return await navigator.locks.request(LOCK, { signal }, work);
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) throw error;
    }
    // The time also runs out where this thread itself was busy all the while, and nobody has the lock.
    const { held = [] } = await navigator.locks.query();
    if (held.some(({ name }) => name === LOCK))
      throw new KeptTrainingError("Another tab of this page is training. Wait until it is done, or stop it there.");
  }
}

/** The checkpoints of one training. Trouble with the storage never ends a training: `warn` is called with one line, once. */
export class KeptTraining {
  #hasWarned = false;

  private constructor(
    /** Null where the browser stores nothing, for the reason `trouble`. */
    private readonly checkpoints: Checkpoints | null,
    private readonly warn: (line: string) => void,
    private readonly trouble?: unknown,
  ) {}

  /** Looks for the kept training. Call it and all methods within whileAlone(). */
  static async open(warn: (line: string) => void): Promise<KeptTraining> {
    try {
      return new KeptTraining(await checkpointsIn(await openOpfsSlots(), warn), warn);
    } catch (error) {
      return new KeptTraining(null, warn, error);
    }
  }

  /** The training that was found; null where there is none. */
  get found(): StoredTraining | null {
    const found = this.checkpoints?.found;
    return found?.pictures.has("photo") ? (found as Checkpoint & { facts: Facts }) : null;
  }

  /** Takes note of a state; it is stored where it `isDue`, and every 30 s. */
  add(stored: StoredTraining, isDue: boolean): Promise<void> {
    return this.#try((checkpoints) => checkpoints.add(stored, isDue));
  }

  /** Stores the newest state. */
  save(): Promise<void> {
    return this.#try((checkpoints) => checkpoints.save());
  }

  /** Removes the training. */
  clear(): Promise<void> {
    return this.#try((checkpoints) => checkpoints.clear());
  }

  async #try(work: (checkpoints: Checkpoints) => Promise<void>): Promise<void> {
    try {
      if (!this.checkpoints) throw this.trouble;
      await work(this.checkpoints);
    } catch (error) {
      this.#warnOf(error);
    }
  }

  #warnOf(error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.warn(
      `This browser can't keep the training (${storageTrouble(error)}). It goes on, but closing the tab loses it. Download the model at the end.`,
    );
  }
}

async function checkpointsIn(store: SlotStore, warn: (line: string) => void): Promise<Checkpoints> {
  const open = () => openCheckpoints(store, (why) => warn(`A checkpoint can't be used (${why}). The other one is used.`));
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    warn(`An unfinished training was found, but it can't be continued (${error.message}).`);
    await store.clear();
    return open();
  }
}

/** What the page shows of a kept training. */
export const summaryOf = ({ facts: { name, share }, pictures }: StoredTraining): Unfinished => ({
  ...{ name, share },
  photo: copyOf(pictures.get("photo")!),
});

/** A picture in memory of its own, which can be given away. */
export const copyOf = (picture: Rgb8): Rgb8 => ({ ...picture, data: picture.data.slice() });
