// Times the dispatches of programs one by one.

import type { Gpu } from "../gpu/device.ts";
import { PassTimer } from "../gpu/timing.ts";
import { type Copy, encodeCopy, Program } from "./program.ts";

/**
 * Runs programs as submit() does, but each dispatch in a pass of its own, with the GPU's clock read before and after it. That adds a little
 * to each time: a dispatch starts only when the last thread of the previous one has ended and its caches are written.
 */
export class DispatchTimer {
  readonly #timer: PassTimer;
  #at = 0;

  /** For `count` dispatches. Throws GpuError where the adapter has no timestamp-query. */
  constructor(
    private readonly gpu: Gpu,
    count: number,
  ) {
    this.#timer = new PassTimer(gpu, count);
  }

  submit(steps: readonly (Program | Copy)[]): void {
    this.gpu.check();
    const encoder = this.gpu.device.createCommandEncoder();
    for (const step of steps) {
      if (step instanceof Program) {
        for (const { pipeline, bindGroup, groups } of step.dispatches) {
          const pass = encoder.beginComputePass({ timestampWrites: this.#timer.writes(this.#at++) });
          pass.setPipeline(pipeline);
          pass.setBindGroup(0, bindGroup);
          pass.dispatchWorkgroups(...groups);
          pass.end();
        }
      } else encodeCopy(encoder, step);
    }
    this.gpu.device.queue.submit([encoder.finish()]);
  }

  /** Milliseconds of each of the `count` dispatches submitted since the last call. */
  read(): Promise<number[]> {
    this.#at = 0;
    return this.#timer.read();
  }

  dispose(): void {
    this.#timer.dispose();
  }
}
