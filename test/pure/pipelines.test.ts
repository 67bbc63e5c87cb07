// What a kernel that does not compile says of itself, by a device made up for it.

import { expect, test } from "vitest";
import { Pipelines } from "../../src/gpu/pipelines.ts";

test.each([
  ["Dawn", "expected ';'\nfn main"],
  ["wgpu", "\nexpected ';'\n  ┌─ fill:9:1\n"],
])("it names itself and the line, with the first line of the reason, as %s gives it", async (_, message) => {
  const device = {
    pushErrorScope: () => {},
    popErrorScope: async () => null,
    createShaderModule: () => ({ getCompilationInfo: async () => ({ messages: [{ type: "error", lineNum: 9, message }] }) }),
    createComputePipelineAsync: async () => {
      throw new Error("the pipeline is invalid");
    },
  };
  const call = { kernel: "fill", bindings: {}, params: {}, overrides: { WG: 3 }, template: {}, groups: [1, 1] } as const;
  const pipeline = new Pipelines(device as unknown as GPUDevice).get(call);
  await expect(pipeline).rejects.toThrow(/^kernel fill fill \{\} \{"WG":3\} does not compile: line 9: expected ';'$/);
});
