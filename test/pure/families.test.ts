// The families of convolutions by kind of device: what a browser with a GPU must not load, and what a software adapter needs.

import { expect, test } from "vitest";
import { conv2d } from "../../src/autodiff/ops/conv.ts";
import { leaf } from "../../src/autodiff/tensor.ts";
import { entryOf } from "../../src/gpu/pipelines.ts";
import { chooseConvolution, convolutionVariants, loadKernels } from "../../src/runtime/conv/families.ts";
import { CONTRACTIONS, multiplyAdds } from "../../src/runtime/conv/problem.ts";
import { worksOf } from "../../src/runtime/work.ts";

const hardware = { isSoftware: false, subgroupSize: 32, hasSubgroups: true };
const software = { isSoftware: true, subgroupSize: 4, hasSubgroups: true };
const y = conv2d(leaf("x", [2, 32, 50, 60]), leaf("w", [16, 32, 3, 3]));
const op = { inputs: y.inputs.map((t) => t.shape), shape: y.shape, attrs: {} };

// The order matters: once loaded, the kernels of software adapters stay.
test("a software adapter whose kernels are not loaded is told so in one line; hardware needs none of them", async () => {
  expect(() => chooseConvolution("conv2d", op, software, new Map())).toThrow(
    /^the kernels of software adapters are not loaded: open the adapter with openDevice\(\)$/,
  );
  expect(() => entryOf("quad_product")).toThrow(/^the kernel quad_product is not loaded: .*$/);
  await loadKernels(hardware);
  expect(() => entryOf("quad_product")).toThrow();
  expect(chooseConvolution("conv2d", op, hardware, new Map()).main).toBe("conv2d");
  await loadKernels(software);
  expect(entryOf("quad_product").bindings.map(({ name }) => name)).toEqual(["a", "b", "m"]);
  expect(chooseConvolution("conv2d", op, software, new Map()).main).toBe("conv2d_quad_swap");
});

test("names of a contraction's variants differ, and no device needs a kernel of subgroups that it lacks", async () => {
  await loadKernels(software);
  for (const profile of [hardware, software, { ...software, subgroupSize: 8 }, { ...software, hasSubgroups: false }]) {
    for (const name of CONTRACTIONS) {
      const names = convolutionVariants(name, profile).map((variant) => variant.name);
      expect(new Set(names).size).toBe(names.length);
    }
    expect(chooseConvolution("conv2d", op, profile, new Map()).subgroupSize ?? 0).toBe(
      profile === hardware || !profile.hasSubgroups ? 0 : profile.subgroupSize,
    );
  }
});

test("flops are those of the direct sum, counted once per op, and a variant without its main kernel is refused", () => {
  const direct = 2 * 9 * 2 * 32 * 16 * 48 * 58;
  expect(2 * multiplyAdds("conv2d", op)).toBe(direct);
  for (const variant of convolutionVariants("conv2d", hardware)) {
    const works = worksOf(variant.calls(op), y, [y], variant.main);
    expect(works.map(({ flops }) => flops).filter((flops) => flops > 0)).toEqual([direct]);
    expect(() => worksOf(variant.calls(op), y, [y], "adam")).toThrow("none of the calls is one of the main kernel adam");
  }
});
