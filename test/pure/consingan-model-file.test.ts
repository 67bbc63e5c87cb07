// ConSinGAN's model file: reading returns the written bits, and a mixture with the other recipe is refused.

import { describe, expect, it } from "vitest";
import { type Shape, sizeOf } from "../../src/autodiff/tensor.ts";
import { DEFAULTS, imageShape } from "../../src/singan/model/config.ts";
import { discriminatorShapes, generatorShapes } from "../../src/singan/model/consingan-models.ts";
import { ModelFileError } from "../../src/singan/model/file-fields.ts";
import { type ConsinganModel, isConsingan, singanModel } from "../../src/singan/model/model.ts";
import { readSafetensors, type StoredTensor } from "../../src/singan/model/safetensors.ts";
import { pyramidOf, readModel, resolveOptions, writeModel } from "../../src/singan/recipes.ts";
import { type Change, forgedModel } from "../fixtures/forged-model.ts";

const options = resolveOptions({ recipe: "consingan", maxSize: 24, minSize: 12, stages: 4, iterations: 3, channels: 4, seed: 7 });

/** Values in [-1,1] that use all bits of a float32. */
const values = (length: number, seed: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(seed + 1.7 * i));
const state = (shapes: ReadonlyMap<string, Shape>) =>
  new Map([...shapes].map(([name, shape]) => [name, values(sizeOf(shape), name.length)]));

function model(trained = 4): ConsinganModel {
  const { sizes } = pyramidOf({ width: 40, height: 30 }, options);
  const picture = (k: number) => ({ ...sizes[k]!, data: values(sizeOf(imageShape(sizes[k]!, DEFAULTS)), k) });
  const losses = { dReal: -1 / 3, dFake: 1e-30, gradientPenalty: Math.PI, gAdversarial: -0.1, reconstruction: 5e-324 };
  return {
    options,
    sizes,
    scales: sizes.slice(0, trained).map((size, k) => ({ size, channels: 4, noiseAmp: k / 7, losses, seconds: 1.25 + k })),
    generator: state(generatorShapes(trained, 4)),
    discriminator: state(discriminatorShapes(4)),
    coarsest: picture(0),
    photo: picture(3),
  };
}

const good = writeModel(model());
const forged = (change: Change): Uint8Array => forgedModel(good, change);
const f32 = (shape: number[]): StoredTensor => ({ dtype: "F32", shape, data: new Float32Array(sizeOf(shape)) });
// biome-ignore lint/suspicious/noExplicitAny: whatever JSON the field holds
const withField = (name: string, change: (value: any) => unknown) =>
  forged((_, metadata) => void Object.assign(metadata, { [name]: JSON.stringify(change(JSON.parse(metadata[name]!))) }));

describe("round trip", () => {
  it("gives every value back bit for bit, whole or half trained", () => {
    expect(readModel(good)).toEqual(model());
    expect(readModel(writeModel(model(2)))).toEqual(model(2));
    expect(writeModel(readModel(good))).toEqual(good);
  });

  it("names the recipe, and tensors and shapes as PyTorch has them", () => {
    const { tensors, metadata } = readSafetensors(good);
    expect(metadata["recipe"]).toBe("consingan");
    expect(tensors.get("G.head.conv.weight")?.shape).toEqual([4, 3, 3, 3]);
    expect(tensors.get("G.body.3.block2.conv.bias")?.shape).toEqual([4]);
    expect(tensors.get("G.tail.0.weight")?.shape).toEqual([3, 4, 3, 3]);
    expect(tensors.get("D.body.block0.conv.weight")?.shape).toEqual([4, 4, 3, 3]);
    expect(tensors.get("D.tail.bias")?.shape).toEqual([1]);
  });

  it("is told from a model of the recipe singan", () => {
    const read = readModel(good);
    expect(isConsingan(read)).toBe(true);
    expect(() => singanModel(read, "super-resolution")).toThrow("the recipe consingan has no super-resolution");
  });
});

describe("refusals, in one line that names what is wrong", () => {
  const cases: [string, () => Uint8Array, RegExp][] = [
    ["no recipe", () => forged((_, m) => void delete m["recipe"]), /its recipe is "singan", but its options name consingan/],
    ["another recipe", () => forged((_, m) => void Object.assign(m, { recipe: "gan" })), /its recipe is "gan"/],
    [
      "the options of the other recipe",
      () => withField("options", (o) => ({ ...o, recipe: "singan", stages: 6 })),
      /its recipe is "consingan", but its options name singan/,
    ],
    ["an option of the other recipe", () => withField("options", (o) => ({ ...o, zStar: "fixed" })), /zStar has no meaning/],
    [
      "a missing tensor",
      () => forged((t) => void t.delete("G.body.2.block1.conv.bias")),
      /G\.body\.2\.block1\.conv\.bias is missing/,
    ],
    ["a stage too many", () => forged((t) => void t.set("G.body.4.block0.conv.bias", f32([4]))), /unknown tensor "G\.body\.4/],
    [
      "a scale of the other recipe",
      () => forged((t) => void t.set("G.0.tail.0.bias", f32([3]))),
      /unknown tensor "G\.0\.tail\.0\.bias"/,
    ],
    ["z* of the other recipe", () => forged((t) => void t.set("z_star", f32([1, 1, 9, 9]))), /unknown tensor "z_star"/],
    ["no coarsest picture", () => forged((t) => void t.delete("coarsest")), /coarsest is missing/],
    [
      "a coarsest picture of another size",
      () => forged((t) => void t.set("coarsest", f32([1, 3, 5, 5]))),
      /coarsest is \[1,3,5,5\]/,
    ],
    [
      "NaN",
      () => forged((t) => void t.get("D.tail.bias")!.data.fill(Number.NaN)),
      /D\.tail\.bias holds values that are not finite/,
    ],
    [
      "other channels",
      () => withField("scales", ([s, ...rest]) => [{ ...s, channels: 8 }, ...rest]),
      /has 8 channels instead of 4/,
    ],
    [
      "sizes of the other pyramid",
      () => withField("sizes", ([a, b, c, d]) => [a, b, [c[0] + 1, c[1]], d]),
      /do not follow from the options/,
    ],
    ["more stages than sizes", () => withField("options", (o) => ({ ...o, stages: 5 })), /do not follow from the options/],
  ];
  it.each(cases)("%s", (_, bytes, message) => {
    expect(() => readModel(bytes())).toThrow(ModelFileError);
    expect(() => readModel(bytes())).toThrow(message);
  });

  it("refuses to write what could not be read back", () => {
    const [name] = model().generator.keys();
    const without = new Map([...model().generator].slice(1));
    expect(() => writeModel({ ...model(), generator: without })).toThrow(`G.${name} is missing`);
    expect(() => writeModel({ ...model(), scales: [] })).toThrow(/1 to 4 scales/);
    const long = new Map([...model().discriminator, ["tail.bias", new Float32Array(2)]]);
    expect(() => writeModel({ ...model(), discriminator: long })).toThrow(/D\.tail\.bias is \[2\] instead of \[1\]/);
  });
});
