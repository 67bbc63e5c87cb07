// Keeps the last two checkpoints of a training in two slots, wherever they are stored: a crash while one is written leaves the other.

import type { ModelRecipes } from "../model/model-file.ts";
import { type Checkpoint, CheckpointError, readCheckpointFile, writeCheckpointFile } from "./checkpoint.ts";

export const SLOTS = [0, 1] as const;
export type Slot = (typeof SLOTS)[number];

/** Where the two checkpoints of a training are stored. */
export interface SlotStore {
  /** The slot's bytes; null where it is empty. */
  read(slot: Slot): Promise<Uint8Array | null>;
  /** Replaces the slot's bytes as a whole, as far as the storage can, and returns when they are on the disk. */
  write(slot: Slot, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Empties both slots. */
  clear(): Promise<void>;
}

/** Time between two checkpoints within a scale, ms. */
const INTERVAL_MS = 30_000;

export class Checkpoints {
  #next: { readonly slot: Slot; readonly sequence: number };
  #savedAt = performance.now();
  #work: Promise<void> = Promise.resolve();
  #latest: Checkpoint | null = null;
  #isSaved = true;

  private constructor(
    private readonly store: SlotStore,
    private readonly recipes: ModelRecipes,
    /** The newest checkpoint that was found; null where there is none. */
    readonly found: Checkpoint | null,
    newest: { readonly slot: Slot; readonly sequence: number } | null,
  ) {
    this.#next = newest ? { slot: newest.slot === 0 ? 1 : 0, sequence: newest.sequence + 1 } : { slot: 0, sequence: 0 };
  }

  /**
   * Reads both slots; the newest valid one is `found`. `onDamaged` is called with a line for one that can't be used. Throws CheckpointError
   * where there are checkpoints and none can be used, and what the store throws.
   */
  static async open(store: SlotStore, recipes: ModelRecipes, onDamaged: (why: string) => void): Promise<Checkpoints> {
    const valid: { slot: Slot; sequence: number; checkpoint: Checkpoint }[] = [];
    const damaged: string[] = [];
    for (const slot of SLOTS) {
      const bytes = await store.read(slot);
      if (!bytes) continue;
      try {
        const { sequence, ...checkpoint } = await readCheckpointFile(bytes, recipes);
        valid.push({ slot, sequence, checkpoint });
      } catch (error) {
        if (!(error instanceof CheckpointError)) throw error;
        damaged.push(error.message);
      }
    }
    const newest = valid.sort((a, b) => b.sequence - a.sequence)[0] ?? null;
    if (!newest && damaged.length > 0) throw new CheckpointError(damaged[0]!);
    for (const why of damaged) onDamaged(why);
    return new Checkpoints(store, recipes, newest?.checkpoint ?? null, newest);
  }

  /** Takes note of a training's newest state. It is stored at once where it `isDue`, else when 30 s are over since the last one. */
  async add(checkpoint: Checkpoint, isDue: boolean): Promise<void> {
    this.#latest = checkpoint;
    this.#isSaved = false;
    if (isDue || performance.now() - this.#savedAt >= INTERVAL_MS) await this.save();
  }

  /** Stores the newest state, where it is not stored yet. Throws what the store throws; later calls try again. */
  save(): Promise<void> {
    const result = this.#work.then(() => this.#save());
    this.#work = result.catch(() => {});
    return result;
  }

  async #save(): Promise<void> {
    const latest = this.#latest;
    if (!latest || this.#isSaved) return;
    this.#savedAt = performance.now();
    const { slot, sequence } = this.#next;
    await this.store.write(slot, await writeCheckpointFile(latest, sequence, this.recipes));
    this.#next = { slot: slot === 0 ? 1 : 0, sequence: sequence + 1 };
    this.#isSaved = this.#latest === latest;
  }

  /** The training is finished, or given up: removes its checkpoints. */
  clear(): Promise<void> {
    this.#latest = null;
    const result = this.#work.then(() => this.store.clear());
    this.#work = result.catch(() => {});
    return result;
  }
}
