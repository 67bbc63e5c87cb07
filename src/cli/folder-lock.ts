// An advisory lock on a folder: a file that names the process which trains into it. What a killed process has left behind is told by its name.

import { randomUUID } from "node:crypto";
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { FileError, shown } from "./read-files.ts";

export const LOCK_FILE = ".singan-lock";
/** A lock file that is being written is empty for a moment; if it stays empty for longer, its process was killed then. */
const WRITING_MS = 2000;
const RETRY_MS = 50;
/** The holder touches its lock so often; a lock of another computer counts as left behind after ten times as long. */
const TOUCH_MS = 60_000;

/** Names a process of this computer; its start time tells it from a later process of the same number. */
function identityOf(pid: number): string {
  return `${hostname().replace(/[^\w-]/g, "")}.${pid}.${startOf(pid) ?? ""}`;
}

/** When a process was started, in ticks since the computer was; null where it has ended, "" where the system does not tell. */
function startOf(pid: number): string | null {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return null;
  }
  try {
    // The name, in parentheses, may hold spaces: what follows is counted from its end.
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? null : fields[18]!;
  } catch {
    return "";
  }
}

export const OWN_IDENTITY: string = identityOf(process.pid);

/** Whether the process of this identity has surely ended. Of another computer's it is never sure. */
export function hasEnded(identity: string): boolean {
  const [host, pid] = identity.split(".");
  if (host !== OWN_IDENTITY.split(".")[0] || !/^\d+$/.test(pid ?? "")) return false;
  return identityOf(Number(pid)) !== identity;
}

/** Tells a folder from a copy of it. */
const folderNumber = (folder: string): string => String(statSync(folder).ino);

/** Locks a folder, and returns the function that unlocks it; may block for WRITING_MS. Throws FileError where another process holds the lock, and errors of the file system. */
export function lockFolder(folder: string): () => void {
  const file = join(folder, LOCK_FILE);
  const own = `${OWN_IDENTITY} ${folderNumber(folder)}`;
  for (;;) {
    try {
      writeFileSync(file, own, { flag: "wx" });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
        rmSync(file, { force: true }); // a full disk leaves it empty
        throw error;
      }
    }
    breakDeadLock(folder, file);
  }
  const touching = setInterval(() => {
    try {
      utimesSync(file, new Date(), new Date());
    } catch {
      // The folder may be gone, or can't be written any more.
    }
  }, TOUCH_MS);
  touching.unref();
  return () => {
    clearInterval(touching);
    try {
      if (readFileSync(file, "utf8") === own) rmSync(file);
    } catch {
      // It is gone already.
    }
  };
}

/** Removes a lock whose holder has ended, and waits a moment for one that is being written. Throws FileError where the holder may be alive. */
function breakDeadLock(folder: string, file: string): void {
  let [holder, age] = ["", 0];
  try {
    holder = readFileSync(file, "utf8");
    age = Date.now() - statSync(file).mtimeMs;
  } catch {
    return; // the holder has just removed it
  }
  if (holder === "" && Math.abs(age) < WRITING_MS) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    return;
  }
  const [identity, number] = holder.split(" ") as [string, string?];
  const [host, pid] = identity.split(".");
  const isOther = host !== OWN_IDENTITY.split(".")[0];
  const isCopy = !isOther && number !== folderNumber(folder); // of another folder, with its lock in it
  const isDead = holder === "" || (isOther ? age > 10 * TOUCH_MS : isCopy || hasEnded(identity));
  if (!isDead)
    throw new FileError(
      `${shown(folder)} is in use by another training (process ${pid ?? "?"}${isOther ? ` on ${host}` : ""}): wait for it, or choose another --out`,
    );
  // Another process may do the same at this moment: only who moves the dead lock itself has removed it.
  const aside = join(folder, `.singan-${OWN_IDENTITY}-${randomUUID().replaceAll("-", "")}`);
  try {
    renameSync(file, aside);
    if (readFileSync(aside, "utf8") !== holder) linkSync(aside, file);
    rmSync(aside);
  } catch {
    // It has been removed or replaced meanwhile.
  }
}
