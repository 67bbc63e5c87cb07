// One run of the program: where it writes text, and what it must clean up at the end, whether it succeeds, fails or is interrupted.

/** The part of an output stream that a session uses. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Moves the cursor to the start of the line and erases the line. */
const ERASE = "\r\x1b[K";

export class Session {
  /** Whether stderr is a terminal that can replace a line. */
  readonly isLive: boolean;
  readonly #hasColour: boolean;
  #hasStatus = false;
  readonly #cleanups: { readonly cleanup: () => void; readonly waits: boolean }[] = [];
  readonly #onInterrupt: (() => Promise<unknown>)[] = [];
  #isInterrupted = false;

  constructor(
    private readonly out: Output,
    private readonly err: Output,
    env: Environment,
  ) {
    this.isLive = err.isTTY === true && env["TERM"] !== "dumb";
    const { FORCE_COLOR: force, NO_COLOR: no } = env;
    // no-color.org: if it is not empty, it prevents colours. FORCE_COLOR adds them where it is not empty, and 0 is off, as in Node.
    this.#hasColour = !no && (force ? force !== "0" : this.isLive);
  }

  result(text: string): void {
    this.out.write(`${text}\n`);
  }
  /** Writes a line for the user to stderr. It replaces the status line. */
  note(text: string): void {
    this.err.write(`${this.#hasStatus ? ERASE : ""}${text}\n`);
    this.#hasStatus = false;
  }
  /** Shows a status line, cut to the terminal's width. The next line replaces it. */
  status(text: string): void {
    this.err.write(ERASE + text.slice(0, (this.err.columns ?? 80) - 1));
    this.#hasStatus = true;
  }

  bold = (text: string): string => this.#paint("1", text);
  red = (text: string): string => this.#paint("31", text);
  #paint(code: string, text: string): string {
    return this.#hasColour ? `\x1b[${code}m${text}\x1b[0m` : text;
  }

  /** Registers a function for the end of the run, also after an interrupt. It must be synchronous; `waits` tells that it may take long. */
  onExit(cleanup: () => void, { waits = false } = {}): void {
    this.#cleanups.push({ cleanup, waits });
  }

  /** Registers what an interrupt must wait for: what it saves, and the GPU's work. */
  onInterrupt(work: () => Promise<unknown>): void {
    this.#onInterrupt.push(work);
  }

  /** Stops work that awaits goOn(), and resolves when everything that an interrupt must wait for is done or has failed. */
  async interrupt(): Promise<void> {
    this.#isInterrupted = true;
    await Promise.allSettled(this.#onInterrupt.map((work) => work()));
  }

  /** For loops to await between two steps: resolves at once, but after an interrupt it never does. */
  goOn(): Promise<void> {
    return this.#isInterrupted ? new Promise(() => {}) : Promise.resolve();
  }

  /** Runs every cleanup once, in the order of registration; without `mayWait` only those that take no time. */
  close({ mayWait = true } = {}): void {
    if (this.#hasStatus) this.err.write(ERASE);
    this.#hasStatus = false;
    for (let next = this.#cleanups.shift(); next; next = this.#cleanups.shift()) {
      if (next.waits && !mayWait) continue;
      try {
        next.cleanup();
      } catch {
        // A failed cleanup must not keep the others from running.
      }
    }
  }
}
