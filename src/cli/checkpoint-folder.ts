// The two checkpoints of a training as files in its output folder.

import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { SLOTS, type Slot, type SlotStore } from "../singan/training/checkpoints.ts";
import { makeFolders, replaceFile } from "./file-system.ts";

const NAME = "checkpoint";

const fileOf = (folder: string, slot: Slot, name: string): string => join(folder, `${name}-${slot}.safetensors`);

/** The checkpoint files that are in a folder. */
export const checkpointFiles = (folder: string, name = NAME): string[] =>
  SLOTS.map((slot) => fileOf(folder, slot, name)).filter((file) => existsSync(file));

/** A store in a folder; `name` tells the trainings of one folder apart. Its functions throw the errors of the file system. */
export const checkpointFolder = (folder: string, name = NAME): SlotStore => ({
  async read(slot) {
    const file = fileOf(folder, slot, name);
    return existsSync(file) ? readFileSync(file) : null;
  },
  async write(slot, bytes) {
    makeFolders(resolve(folder)); // it may have vanished
    replaceFile(fileOf(folder, slot, name), bytes);
  },
  async clear() {
    for (const slot of SLOTS) for (const end of ["", ".part"]) rmSync(fileOf(folder, slot, name) + end, { force: true });
  },
});
