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

/** Random numbers in [0, 1) that are the same in every run, so that a failure can be repeated. mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Does `work` `count` times, one after the other; returns a line for each that throws. */
export async function inTurn(count: number, work: (index: number) => Promise<void>): Promise<string[]> {
  const lines: string[] = [];
  for (let i = 0; i < count; i++) lines.push(...(await attempt(`try ${i}`, () => work(i))));
  return lines;
}

/** Does `work` for 0 … count−1, two at a time; returns all their lines. */
export async function inPairs(count: number, work: (index: number) => Promise<readonly string[]>): Promise<string[]> {
  const lines: string[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) lines.push(...(await work(next++)));
  };
  await Promise.all([worker(), worker()]);
  return lines;
}
