// One row of `npm run torture`: something that goes wrong in real life, done on purpose, again and again.

export interface Row {
  /** What is done, in a few words. */
  readonly name: string;
  /** How often it is done in full; `npm test` does it less often. */
  readonly count: number;
  /** Does it `count` times. Returns a line for each time that it did not end as it should. */
  run(count: number): Promise<readonly string[]>;
}

/** Runs one try of a row; its error becomes the line that tells what went wrong. */
export async function attempt(what: string, work: () => unknown): Promise<string[]> {
  try {
    await work();
    return [];
  } catch (error) {
    return [`${what}: ${(error as Error).message}`];
  }
}

/** Throws with `message` unless `isTrue`. */
export function require(isTrue: boolean, message: string): void {
  if (!isTrue) throw new Error(message);
}
