// The states of a tool that Undo and Redo go through. Pure.

/** More are forgotten, the oldest first: states may hold pictures. */
const MOST = 40;

export class History<T> {
  #states: readonly T[];
  #at = 0;

  constructor(first: T) {
    this.#states = [first];
  }

  get current(): T {
    return this.#states[this.#at]!;
  }

  get canUndo(): boolean {
    return this.#at > 0;
  }

  get canRedo(): boolean {
    return this.#at < this.#states.length - 1;
  }

  /** Adds a state in the place of those that were undone. */
  push(state: T): void {
    this.#states = [...this.#states.slice(0, this.#at + 1), state].slice(-MOST);
    this.#at = this.#states.length - 1;
  }

  undo(): void {
    if (this.canUndo) this.#at--;
  }

  redo(): void {
    if (this.canRedo) this.#at++;
  }
}
