// The worker's side of the features: does one job after the other, and ends those that nobody wants any more.

import type { FeatureName, JobMessage, JobReport, Reply, Request } from "./messages.ts";
import { Cancelled } from "./work.ts";

type Run = Extract<JobMessage, { kind: "run" }>;
type Work = (
  job: { readonly source: string; readonly feature: FeatureName; readonly request: Request<FeatureName> },
  place: {
    reply(reply: Reply<FeatureName>): void;
    pass(): Promise<void>;
  },
) => Promise<void>;

export class JobRunner {
  readonly #cancelled = new Set<number>();
  #queue: Promise<void> = Promise.resolve();

  /** `fail` explains an error in one line; null where it tells the page itself. */
  constructor(
    private readonly work: Work,
    private readonly post: (report: JobReport) => void,
    private readonly fail: (error: unknown) => string | null,
  ) {}

  receive(message: JobMessage): void {
    if (message.kind === "cancel") this.#cancelled.add(message.job);
    else this.#queue = this.#queue.then(() => this.#run(message));
  }

  async #run({ job, source, feature, request }: Run): Promise<void> {
    const pass = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve)); // messages come in between
      if (this.#cancelled.has(job)) throw new Cancelled();
    };
    const reply = (one: Reply<FeatureName>): void => this.post({ kind: "reply", job, reply: one });
    try {
      await pass();
      await this.work({ source, feature, request }, { reply, pass });
      this.post({ kind: "end", job, isDone: true });
    } catch (error) {
      const problem = error instanceof Cancelled ? null : this.fail(error);
      this.post({ kind: "end", job, isDone: false, ...(problem !== null && { problem }) });
    }
    this.#cancelled.delete(job);
  }
}
