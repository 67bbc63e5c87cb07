// Runs shares on another thread: calls and answers as messages, for worker threads of Node and workers of browsers.

import type { ShareRunner } from "./shares.ts";

interface Call {
  readonly method: keyof ShareRunner;
  readonly args: readonly unknown[];
}
type Answer = { readonly result: unknown } | { readonly error: string };

/** On the thread: runs each call, and answers it. */
export function answerCalls(
  shares: ShareRunner,
  listen: (listener: (call: Call) => void) => void,
  answer: (answer: Answer) => void,
): void {
  listen(async ({ method, args }) => {
    try {
      const run = shares[method] as (...args: unknown[]) => Promise<unknown>;
      answer({ result: await run.apply(shares, [...args]) });
    } catch (error) {
      answer({ error: (error as Error).message });
    }
  });
}

/** On the caller's side: a thread that answers calls one after the other. */
export class RemoteShares implements ShareRunner {
  #waiting: { resolve(value: unknown): void; reject(reason: Error): void } | null = null;

  constructor(private readonly post: (call: Call) => void) {}

  /** The thread's next answer. */
  receive(answer: Answer): void {
    const waiting = this.#waiting!;
    this.#waiting = null;
    if ("error" in answer) waiting.reject(new Error(answer.error));
    else waiting.resolve(answer.result);
  }
  /** The thread has ended. */
  fail(reason: Error): void {
    this.#waiting?.reject(reason);
    this.#waiting = null;
  }

  open = (...args: Parameters<ShareRunner["open"]>) => this.#call("open", args) as ReturnType<ShareRunner["open"]>;
  softmax = (...args: Parameters<ShareRunner["softmax"]>) => this.#call("softmax", args) as ReturnType<ShareRunner["softmax"]>;
  fold = (...args: Parameters<ShareRunner["fold"]>) => this.#call("fold", args) as ReturnType<ShareRunner["fold"]>;

  #call(method: keyof ShareRunner, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.post({ method, args });
    });
  }
}

/** Shares on a worker of a browser, which answers calls with answerCalls(). */
export function sharesOn(worker: Worker): RemoteShares {
  const shares = new RemoteShares((call) => worker.postMessage(call));
  worker.addEventListener("message", ({ data }) => shares.receive(data));
  worker.addEventListener("error", ({ message }) => shares.fail(new Error(message)));
  return shares;
}
