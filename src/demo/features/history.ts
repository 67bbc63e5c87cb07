// What can be undone and redone: the states that a tool was in, oldest first, as many as fit into the memory for them.

const MOST = 40;

export class History<T> {
  #states: T[];
  #now = 0;

  /** `fits` says how many states may be kept; the current one always stays. */
  constructor(
    first: T,
    private readonly fits: (states: readonly T[]) => boolean = ({ length }) => length <= MOST,
  ) {
    this.#states = [first];
  }

  get now(): T {
    return this.#states[this.#now]!;
  }
  get canUndo(): boolean {
    return this.#now > 0;
  }
  get canRedo(): boolean {
    return this.#now < this.#states.length - 1;
  }

  /** The next state; those that were undone are forgotten. */
  push(state: T): void {
    this.#states = [...this.#states.slice(0, this.#now + 1), state];
    while (this.#states.length > 1 && !this.fits(this.#states)) this.#states.shift();
    this.#now = this.#states.length - 1;
  }

  /** Goes back by one state. Returns whether there was one. */
  undo(): boolean {
    if (!this.canUndo) return false;
    this.#now--;
    return true;
  }

  /** Goes forward by one state. Returns whether there was one. */
  redo(): boolean {
    if (!this.canRedo) return false;
    this.#now++;
    return true;
  }
}
