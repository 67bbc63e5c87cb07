// One run of the command line: where its text goes, and what has to be undone when it ends, however it ends.

/** The part of a stream that is written to. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** To the start of the line, and all of it away. */
const ERASE = "\r\x1b[K";

export class Session {
  /** Whether a line may be drawn again and again. */
  readonly isLive: boolean;
  readonly #hasColour: boolean;
  #isDrawn = false;
  readonly #cleanups: (() => void)[] = [];

  constructor(
    private readonly out: Output,
    private readonly err: Output,
    env: Environment,
  ) {
    this.isLive = err.isTTY === true && env["TERM"] !== "dumb";
    const { FORCE_COLOR: force, NO_COLOR: no } = env;
    this.#hasColour = force !== undefined ? force !== "0" : !no && this.isLive;
  }

  /** A line of the result. */
  result(text: string): void {
    this.out.write(`${text}\n`);
  }
  /** A line for whoever is watching; takes the drawn one's place. */
  note(text: string): void {
    this.err.write(`${this.#isDrawn ? ERASE : ""}${text}\n`);
    this.#isDrawn = false;
  }
  /** A line that the next one replaces, cut to the terminal's width. */
  draw(text: string): void {
    this.err.write(ERASE + text.slice(0, (this.err.columns ?? 80) - 1));
    this.#isDrawn = true;
  }

  bold = (text: string): string => this.#paint("1", text);
  dim = (text: string): string => this.#paint("2", text);
  red = (text: string): string => this.#paint("31", text);
  #paint(code: string, text: string): string {
    return this.#hasColour ? `\x1b[${code}m${text}\x1b[0m` : text;
  }

  /** Runs `cleanup` when the run ends, also when it is interrupted; it must not wait for anything. */
  onExit(cleanup: () => void): void {
    this.#cleanups.push(cleanup);
  }

  /** Undoes, first first, each once: files before the GPU, which may have to finish a batch. */
  close(): void {
    if (this.#isDrawn) this.err.write(ERASE);
    this.#isDrawn = false;
    for (let cleanup = this.#cleanups.shift(); cleanup; cleanup = this.#cleanups.shift()) {
      try {
        cleanup();
      } catch {
        // The others still have to run.
      }
    }
  }
}
