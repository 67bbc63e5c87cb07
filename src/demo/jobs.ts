// The page's side of the features: sends jobs to a worker and hands on their replies. A newer job of a feature replaces the one before.

import type { FeatureName, JobMessage, JobReport, Reply, Request } from "./features/messages.ts";

interface Job {
  readonly feature: FeatureName;
  onReply(reply: Reply<FeatureName>): void;
  end(isDone: boolean, problem?: string): void;
}

export class Jobs {
  #last = 0;
  readonly #running = new Map<number, Job>();

  constructor(private readonly send: (message: JobMessage) => void) {}

  /** Resolves with whether the job was done to its end. Rejects with one line for the visitor. */
  run<K extends FeatureName>(
    source: string,
    feature: K,
    request: Request<K>,
    onReply: (reply: Reply<K>) => void,
  ): Promise<boolean> {
    this.cancel(feature);
    const job = ++this.#last;
    return new Promise((resolve, reject) => {
      const end = (isDone: boolean, problem?: string): void =>
        problem === undefined ? resolve(isDone) : reject(new Error(problem));
      this.#running.set(job, { feature, onReply: onReply as Job["onReply"], end });
      this.send({ kind: "run", job, source, feature, request } as JobMessage);
    });
  }

  /** Ends what runs of a feature, or of all of them: its replies are not handed on any more. */
  cancel(feature?: FeatureName): void {
    for (const [job, running] of this.#running) {
      if (feature !== undefined && running.feature !== feature) continue;
      this.#running.delete(job);
      this.send({ kind: "cancel", job });
      running.end(false);
    }
  }

  receive(report: JobReport): void {
    const job = this.#running.get(report.job);
    if (!job) return;
    if (report.kind === "reply") job.onReply(report.reply);
    else {
      this.#running.delete(report.job);
      job.end(report.isDone, report.problem);
    }
  }

  /** Ends all jobs: their worker can do nothing any more. */
  abandon(): void {
    for (const { end } of this.#running.values()) end(false);
    this.#running.clear();
  }
}
