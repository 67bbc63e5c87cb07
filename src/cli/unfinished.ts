// The unfinished training in a folder: found, compared with what is wanted, kept while it goes on, and removed when it is finished.

import { statfsSync } from "node:fs";
import type { Rgb8 } from "../image/planes.ts";
import type { Kernels } from "../runtime/tuner.ts";
import type { TrainOptions } from "../singan/model/config.ts";
import { isConsingan } from "../singan/model/model.ts";
import { openCheckpoints } from "../singan/recipes.ts";
import { type Checkpoint, CheckpointError } from "../singan/training/checkpoint.ts";
import type { Checkpoints } from "../singan/training/checkpoints.ts";
import { ZEROS } from "../singan/training/dry-run.ts";
import type { TrainingOutline, TrainingState } from "../singan/training/recipe.ts";
import { type FlagHelp, UsageError } from "./args.ts";
import { checkpointFolder } from "./checkpoint-folder.ts";
import { FileError, reason, shown } from "./read-files.ts";
import type { TrainingRequest } from "./request.ts";
import type { Session } from "./session.ts";

/** What a checkpoint tells in addition to the state. */
export interface Facts<Plan> {
  readonly request: TrainingRequest;
  readonly plan: Plan;
  readonly kernels: Kernels;
}

type Found<Plan> = Checkpoint & { readonly facts: Facts<Plan> };

export const RESUME_FLAGS: FlagHelp = {
  resume: "go on with the unfinished training in DIR, or fail (default: go on where there is one)",
  restart: "begin anew; an unfinished training in DIR goes when this one is first stored",
};

/** What is done with an unfinished training that is found. */
export type Resumption = "resume" | "restart" | "either";

export interface UnfinishedOptions {
  readonly request: TrainingRequest;
  /** How a training made for another request, with these options, differs; null where it is the same. */
  differs(there: TrainingRequest, options: TrainOptions): string | null;
  readonly resumption: Resumption;
  /** Tells the trainings of one folder apart. */
  readonly name?: string;
}

const roomText = (bytes: number): string =>
  bytes < 1e7 ? `${Math.floor(bytes / 1e3)} kB` : `${Math.floor(bytes / 1e6).toLocaleString("en")} MB`;

export class Unfinished<Plan> {
  /** Pictures that the results need, by name; they are kept with the state. */
  readonly pictures: Map<string, Rgb8>;
  #isTold = false;
  #hasState = false;

  private constructor(
    private readonly session: Session,
    private readonly folder: string,
    private readonly request: TrainingRequest,
    private readonly checkpoints: Checkpoints,
    /** The training to go on with; null where there is none. */
    readonly found: Found<Plan> | null,
  ) {
    this.pictures = new Map(found?.pictures);
  }

  /** Throws FileError where another training is unfinished there, or none that should be resumed, or where it is damaged. */
  static async open<Plan>(
    session: Session,
    folder: string,
    { request, differs, resumption, name }: UnfinishedOptions,
  ): Promise<Unfinished<Plan>> {
    const store = checkpointFolder(folder, name);
    const onDamaged = (why: string) =>
      session.note(`a checkpoint in ${shown(folder)} can't be used, so the other one is (${why})`);
    try {
      const checkpoints = await openCheckpoints(store, onDamaged).catch(async (error: unknown) => {
        if (!(error instanceof CheckpointError) || resumption !== "restart") throw error;
        await store.clear();
        return openCheckpoints(store, onDamaged);
      });
      const found = resumption === "restart" ? null : (checkpoints.found as Found<Plan> | null);
      if (!found && resumption === "resume") throw new FileError(`there is no unfinished training in ${shown(folder)} to resume`);
      const difference = found && differs(found.facts.request, found.state.model.options);
      if (difference)
        throw new FileError(
          `${shown(folder)} holds an unfinished training ${difference}: choose another --out, or --restart to give it up`,
        );
      const unfinished = new Unfinished(session, folder, request, checkpoints, found);
      session.onInterrupt(() => unfinished.save());
      return unfinished;
    } catch (error) {
      if (error instanceof FileError) throw error;
      if (error instanceof CheckpointError)
        throw new FileError(`the checkpoints in ${shown(folder)} can't be used (${error.message}); --restart begins anew`);
      throw new FileError(`can't use the checkpoints in ${shown(folder)}: ${reason(error)}`);
    }
  }

  /** Warns before the training where the disk has too little room for its model and checkpoints. */
  checkRoom(outline: TrainingOutline): void {
    const needed = storedBytes(outline);
    let free: number;
    try {
      const { bavail, bsize } = statfsSync(this.folder);
      free = bavail * bsize;
    } catch {
      return; // a file system that does not tell
    }
    if (free >= needed) return;
    this.session.note(
      `${shown(this.folder)} has room for ${roomText(free)}, and this training stores up to ${roomText(needed)}: what does not fit is written elsewhere at the end`,
    );
    this.#isTold = true;
  }

  /** Takes note of the newest state, and stores it when it is time. Where that fails, it says so once. */
  async keep(state: TrainingState, facts: Omit<Facts<Plan>, "request">, isDue: boolean): Promise<void> {
    this.#hasState = true;
    const checkpoint = { state, pictures: this.pictures, facts: { request: this.request, ...facts } };
    await this.#orTold(() => this.checkpoints.add(checkpoint, isDue));
  }

  /** Stores the newest state, before the run ends without a result. */
  async save(): Promise<void> {
    if (!this.#hasState) return;
    if (await this.#orTold(() => this.checkpoints.save()))
      this.session.note(`the training is kept in ${shown(this.folder)}: the same command goes on with it`);
  }

  /** The results are written: removes the checkpoints. */
  async clear(): Promise<void> {
    this.#hasState = false;
    await this.checkpoints.clear().catch(() => {});
  }

  /** Returns whether it worked. */
  async #orTold(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (!this.#isTold)
        this.session.note(`can't keep the training's state in ${shown(this.folder)}: ${reason(error)}; it goes on without`);
      this.#isTold = true;
      return false;
    }
  }
}

/** Bytes of a model and of two checkpoints: each holds the finished scales, and of the one in training the weights and two moments. */
function storedBytes({ recipe, options, pyramid }: TrainingOutline): number {
  const { sizes } = pyramid;
  const more = { ...pyramid, sizes: [...sizes, sizes.at(-1)!] }; // a training passes a picture on to one more scale
  const bytesOf = (count: number) => {
    const { model } = recipe.madeUp(more, count, options, ZEROS);
    const nets = isConsingan(model) ? [model] : model.scales;
    const values = nets.flatMap(({ generator, discriminator }) => [...generator.values(), ...discriminator.values()]);
    return values.reduce((sum, { byteLength }) => sum + byteLength, 0);
  };
  const [whole, before] = [bytesOf(sizes.length), bytesOf(sizes.length - 1)];
  return 3 * whole + 6 * Math.max(whole - before, whole / sizes.length);
}

/** What --resume and --restart ask for. Throws UsageError where both are given. */
export function resumptionOf(args: { has(name: string): boolean }): Resumption {
  if (args.has("resume") && args.has("restart")) throw new UsageError("--resume and --restart exclude each other");
  return args.has("resume") ? "resume" : args.has("restart") ? "restart" : "either";
}
