// Times the dispatches of programs one by one.

import { PassTimer } from "../gpu/timing.ts";
import { type Copy, encodeCopy, Program } from "./program.ts";

/**
 * Runs programs as submit() does, but each dispatch in a pass of its own, with the GPU's clock read before and after it. That adds a little
 * to each time: a dispatch starts only when the last thread of the previous one has ended and its caches are written.
 */
export class DispatchTimer extends PassTimer {
  submit(steps: readonly (Program | Copy)[]): void {
    this.gpu.check();
    const encoder = this.gpu.device.createCommandEncoder();
    for (const step of steps) {
      if (step instanceof Program) {
        for (const { pipeline, bindGroup, groups } of step.dispatches) {
          const pass = encoder.beginComputePass(this.next());
          pass.setPipeline(pipeline);
          pass.setBindGroup(0, bindGroup);
          pass.dispatchWorkgroups(...groups);
          pass.end();
        }
      } else encodeCopy(encoder, step);
    }
    this.gpu.device.queue.submit([encoder.finish()]);
  }
}
