// The model file: reading returns the written bits, and anything else is refused.
// Mutations of a valid file are refused quickly, in one line.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Planes, toPlanes } from "../../src/image/planes.ts";
import { channelsAt, DEFAULTS } from "../../src/singan/model/config.ts";
import { ModelFileError } from "../../src/singan/model/file-fields.ts";
import { type Model, type ScaleModel, singanModel } from "../../src/singan/model/model.ts";
import { pyramidSizes } from "../../src/singan/model/pyramid.ts";
import { readSafetensors, writeSafetensors } from "../../src/singan/model/safetensors.ts";
import { parameterShapes } from "../../src/singan/model/shapes.ts";
import { readModel, resolveOptions, writeModel } from "../../src/singan/recipes.ts";
import { type Change, forgedModel } from "../fixtures/forged-model.ts";

const options = resolveOptions({ maxSize: 24, minSize: 12, iterations: 3, channels: 4, maxChannels: 8, seed: 7, lr: 0.1 + 0.2 });

/** Values that use all bits of a float32, so that no test passes because a value happens to be short. */
const values = (length: number, seed: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(seed + 1.7 * i));

function state(net: "generator" | "discriminator", channels: number): Map<string, Float32Array> {
  const all = new Map<string, Float32Array>();
  for (const [name, shape] of parameterShapes(net, channels, DEFAULTS)) {
    all.set(
      name,
      values(
        shape.reduce((a, b) => a * b),
        name.length,
      ),
    );
    if (net === "generator" && name.endsWith("norm.bias")) {
      all.set(name.replace("bias", "running_mean"), values(channels, 3));
      all.set(name.replace("bias", "running_var"), values(channels, 4).map(Math.abs));
    }
  }
  return all;
}

const statistics = (channels: number) =>
  new Map(
    [...state("generator", channels)]
      .filter(([name]) => name.includes("running"))
      .map(([name, data]) => [name, data.map((v) => 2 * v)]),
  );

function model(trained = 4): Model {
  const { sizes, scaleFactor } = pyramidSizes({ width: 40, height: 30, ...options });
  const scales = sizes.slice(0, trained).map((size, k): ScaleModel => {
    const channels = channelsAt(k, options);
    return {
      size,
      channels,
      noiseAmp: k === 0 ? 1 : Math.fround(0.01 + k / 7),
      generator: state("generator", channels),
      discriminator: state("discriminator", channels),
      ...(k < 2 && { reconstruction: statistics(channels) }), // models with one set of statistics have none
      losses: { dReal: -1 / 3, dFake: 1e-30, gradientPenalty: Math.PI, gAdversarial: -0.1, reconstruction: 5e-324 },
      seconds: 1.25 + k,
    };
  });
  const finest = sizes.at(-1)!;
  const photo: Planes = { ...finest, data: values(3 * finest.width * finest.height, 9) };
  return { options, scaleFactor, sizes, scales, zStar: values(sizes[0]!.width * sizes[0]!.height, 5), photo };
}

const forged = (change: Change): Uint8Array => forgedModel(good, change);

const without = (name: string) => forged((tensors) => void tensors.delete(name));
const withTensor = (name: string, shape: number[]) =>
  forged((tensors) => void tensors.set(name, { dtype: "F32", shape, data: new Float32Array(shape.reduce((a, b) => a * b)) }));
const withValue = (name: string, value: number) => forged((tensors) => void tensors.get(name)!.data.fill(value, 0, 1));
const zeroed = (name: string) => forged((tensors) => void tensors.get(name)!.data.fill(0));
const withMetadata = (name: string, text: string) => forged((_, metadata) => void Object.assign(metadata, { [name]: text }));
// biome-ignore lint/suspicious/noExplicitAny: whatever JSON the field holds
const withField = (name: string, change: (value: any) => unknown) =>
  forged((_, metadata) => void Object.assign(metadata, { [name]: JSON.stringify(change(JSON.parse(metadata[name]!))) }));
const first =
  (change: object) =>
  ([scale, ...rest]: object[]) => [{ ...scale, ...change }, ...rest];

const good = writeModel(model());

describe("round trip", () => {
  it("gives every value back bit for bit, and the hidden biases as zeros", () => {
    const written = model();
    const read = singanModel(readModel(good), "z*");
    const withBiases = (scale: ScaleModel): ScaleModel => {
      const add = (s: ScaleModel["generator"]) =>
        new Map([
          ...s,
          ...[...s.keys()]
            .filter((n) => n.endsWith("conv.weight"))
            .map((n) => [n.replace("weight", "bias"), new Float32Array(scale.channels)] as const),
        ]);
      return { ...scale, generator: add(scale.generator), discriminator: add(scale.discriminator) };
    };
    const sorted = (s: ScaleModel) => ({ ...s, generator: [...s.generator].sort(), discriminator: [...s.discriminator].sort() });
    expect(read.scales.map(sorted)).toEqual(written.scales.map(withBiases).map(sorted));
    expect({ ...read, scales: [] }).toEqual({ ...written, scales: [] });
  });

  it("is deterministic, also through a second writing", () => {
    expect(writeModel(model())).toEqual(good);
    expect(writeModel(readModel(good))).toEqual(good);
  });

  it("stores an exactly 8-bit photo as U8 [h,w,3], any other as F32 planes", () => {
    const plain = model();
    const { width, height } = plain.photo;
    const photo = toPlanes({ width, height, data: Uint8Array.from({ length: 3 * width * height }, (_, i) => i % 256) });
    const bytes = writeModel({ ...plain, photo });
    expect(readSafetensors(bytes).tensors.get("photo")).toMatchObject({ dtype: "U8", shape: [height, width, 3] });
    expect(readModel(bytes).photo).toEqual(photo);
    expect(readSafetensors(good).tensors.get("photo")).toMatchObject({ dtype: "F32", shape: [3, height, width] });
  });

  it("keeps a discriminator's statistics and trained biases where there are some", () => {
    const plain = model();
    const more = new Map([...plain.scales[0]!.discriminator]);
    for (const name of [...more.keys()].filter((n) => n.endsWith("norm.bias"))) {
      more.set(name.replace("bias", "running_mean"), values(4, 1));
      more.set(name.replace("bias", "running_var"), values(4, 2).map(Math.abs));
    }
    more.set("head.conv.bias", values(4, 3));
    const read = singanModel(
      readModel(writeModel({ ...plain, scales: [{ ...plain.scales[0]!, discriminator: more }] })),
      "D per scale",
    );
    for (const [name, data] of more) expect(read.scales[0]!.discriminator.get(name), name).toEqual(data);
  });

  it("holds the larger z* of noise up to the border, and takes no other for it", () => {
    const { width, height } = model().sizes[0]!;
    const padded: Model = {
      ...model(),
      options: { ...options, noisePadding: true },
      zStar: values((width + 10) * (height + 10), 5),
    };
    expect(readModel(writeModel(padded))).toMatchObject({ zStar: padded.zStar });
    expect(() => readModel(writeModel({ ...model(), options: padded.options }))).toThrow(ModelFileError);
  });

  it("holds a training that is not finished", () => {
    const read = readModel(writeModel(model(2)));
    expect([read.scales.length, read.sizes.length]).toEqual([2, 4]);
  });

  it("stores the weights of convolutions with 16 bits where that is asked for, and nothing else", () => {
    const bytes = writeModel(model(), { half: true });
    const stored = readSafetensors(bytes).tensors;
    for (const [name, { dtype, shape }] of readSafetensors(good).tensors)
      expect(stored.get(name)).toMatchObject({ dtype: name.endsWith(".weight") && shape.length === 4 ? "F16" : dtype, shape });
    const read = singanModel(readModel(bytes), "scales");
    const whole = singanModel(readModel(good), "scales");
    const weights = ({ scales }: Model) => scales.flatMap((s) => [...s.generator.values(), ...s.discriminator.values()]);
    for (const [i, data] of weights(read).entries()) {
      const error = data.map((value, j) => value - weights(whole)[i]![j]!);
      expect(Math.max(...error.map(Math.abs))).toBeLessThanOrEqual(2 ** -12); // values are in -1…1
    }
    expect({ ...read, scales: [] }).toEqual({ ...whole, scales: [] });
    expect(writeModel(readModel(bytes), { half: true })).toEqual(bytes);
    const large = model();
    large.scales[0]!.generator.get("head.conv.weight")!.fill(70_000);
    expect(() => writeModel(large, { half: true })).toThrow("G.0.head.conv.weight holds values that are not finite");
  });

  it("names tensors and shapes as PyTorch has them", () => {
    const { tensors } = readSafetensors(good);
    expect(tensors.get("G.0.head.conv.weight")?.shape).toEqual([4, 3, 3, 3]);
    expect(tensors.get("G.3.body.block2.norm.running_var")?.shape).toEqual([4]);
    expect(tensors.get("G.1.tail.0.bias")?.shape).toEqual([3]);
    expect(tensors.get("D.1.tail.weight")?.shape).toEqual([1, 4, 3, 3]);
  });
});

describe("refusals, in one line that names what is wrong", () => {
  const cases: [string, () => Uint8Array, RegExp][] = [
    ["text", () => new TextEncoder().encode("not a model at all, but long enough"), /not a safetensors file/],
    ["an empty file", () => new Uint8Array(), /not a safetensors file/],
    ["a safetensors file of another program", () => writeSafetensors(new Map()), /not a model of singan-webgpu/],
    ["a newer version", () => withMetadata("version", "2"), /version "2"; this program reads version 1/],
    ["no version", () => forged((_, m) => void delete m["version"]), /version ""/],
    ["a missing tensor", () => without("G.2.body.block1.norm.running_var"), /G\.2\.body\.block1\.norm\.running_var is missing/],
    ["half of D's statistics", () => withTensor("D.0.head.norm.running_mean", [4]), /D\.0\.head\.norm\.running_var is missing/],
    ["no z*", () => without("z_star"), /z_star is missing/],
    ["no photo", () => without("photo"), /photo is missing/],
    [
      "a wrong shape",
      () => withTensor("D.1.tail.weight", [1, 3, 3, 4]),
      /D\.1\.tail\.weight is \[1,3,3,4\] instead of \[1,4,3,3\]/,
    ],
    ["NaN", () => withValue("G.1.tail.0.weight", Number.NaN), /G\.1\.tail\.0\.weight holds values that are not finite/],
    [
      "statistics of 16 bits",
      () => forged((all) => void all.set("G.0.head.norm.weight", { dtype: "F16", shape: [4], data: Uint16Array.of(1, 2, 3, 4) })),
      /G\.0\.head\.norm\.weight is F16 instead of F32/,
    ],
    ["infinity", () => withValue("z_star", Number.POSITIVE_INFINITY), /z_star holds values that are not finite/],
    ["a negative variance", () => withValue("G.0.head.norm.running_var", -1), /running_var holds negative/],
    ["a photo out of range", () => withValue("photo", 1.5), /photo holds values outside/],
    ["an unknown tensor", () => withTensor("E.0.weight", [1]), /unknown tensor "E\.0\.weight"/],
    ["a scale too many", () => withTensor("G.4.tail.0.bias", [3]), /unknown tensor "G\.4\.tail\.0\.bias"/],
    ["other channels", () => withField("scales", first({ channels: 5 })), /scale 0 has 5 channels instead of 4/],
    ["a loss that is no number", () => withField("scales", first({ losses: { dReal: null } })), /scale 0 has no number dReal/],
    [
      "a negative amplitude",
      () => withField("scales", first({ noise_amp: -1 })),
      /scale 0 has the noise_amp -1, not one from 0 to/,
    ],
    [
      "an amplitude of 1e308",
      () => withField("scales", first({ noise_amp: 1e308 })),
      /scale 0 has the noise_amp 1e\+308, not one/,
    ],
    ["1e300 seconds", () => withField("scales", first({ seconds: 1e300 })), /scale 0 has the seconds 1e\+300, not one from 0/],
    ["weights of zero", () => zeroed("G.1.body.block1.conv.weight"), /G\.1\.body\.block1\.conv\.weight is zero everywhere/],
    ["a photo", () => readFileSync("photos/clouds.png"), /^a PNG picture, not a model$/],
    ["no scales", () => withField("scales", () => []), /should hold 1 to 4 scales/],
    ["other sizes", () => withField("sizes", ([, ...rest]) => [[10, 12], ...rest]), /scale 0 of 10x12 does not follow/],
    ["shrinking sizes", () => withField("sizes", (sizes) => [...sizes].reverse()), /do not grow/],
    ["a size of zero", () => withField("sizes", () => [[0, 5]]), /pairs of whole numbers/],
    ["a scale factor above 1", () => withField("scale_factor", () => 1.5), /scale factor/],
    ["other z shapes", () => withField("zero_z_shapes", () => []), /zero_z_shapes/],
    ["an unknown option", () => withField("options", (o) => ({ ...o, turbo: true })), /option "turbo" is unknown/],
    [
      "an option that is an object",
      () => withField("options", (o) => ({ ...o, recipe: {} })),
      /option recipe is neither a number/,
    ],
    ["control letters", () => withField("options", (o) => ({ ...o, upsample: "\x1b[31m\r\n" })), /bicubic, not \[31m $/],
    ["a missing option", () => withField("options", ({ seed: _, ...o }) => o), /option "seed" is missing/],
    ["an option out of range", () => withField("options", (o) => ({ ...o, iterations: 0 })), /iterations must be/],
    ["options that are not JSON", () => withMetadata("options", "{"), /options is not JSON/],
    ["a missing statistic", () => without("R.1.head.norm.running_var"), /R\.1\.head\.norm\.running_var is missing/],
    ["a value changed on disk", () => flipped(good, good.length - 3), /checksum/],
  ];
  it.each(cases)("%s", (_, bytes, message) => {
    expect(() => readModel(bytes())).toThrow(ModelFileError);
    expect(() => readModel(bytes())).toThrow(message);
  });

  it("refuses to write what could not be read back", () => {
    const plain = model();
    expect(() => writeModel({ ...plain, scales: [] })).toThrow(/1 to 4 scales/);
    expect(() => writeModel({ ...plain, zStar: plain.zStar.map(() => Number.NaN) })).toThrow(/z_star/);
    const missing = new Map(plain.scales[0]!.generator);
    missing.delete("tail.0.bias");
    expect(() => writeModel({ ...plain, scales: [{ ...plain.scales[0]!, generator: missing }] })).toThrow(
      /G\.0\.tail\.0\.bias is missing/,
    );
  });
});

const flipped = (bytes: Uint8Array, at: number, bit = 0): Uint8Array => {
  const copy = bytes.slice();
  copy[at] = copy[at]! ^ (1 << bit);
  return copy;
};

describe("200 damaged files", () => {
  const header = 8 + Number(new DataView(good.buffer).getBigUint64(0, true));
  const position = fc.oneof(fc.nat(7), fc.nat(header - 1), fc.nat(good.length - 1)); // the size, the header, anywhere
  const mutation = fc.oneof(
    fc.tuple(position, fc.nat(7)).map(([at, bit]) => flipped(good, at, bit)),
    position.map((at) => good.slice(0, at)),
    fc.tuple(position, fc.uint8Array({ minLength: 1, maxLength: 40 })).map(([at, more]) => {
      const longer = new Uint8Array(good.length + more.length);
      longer.set(good.subarray(0, at));
      longer.set(more, at);
      longer.set(good.subarray(at), at + more.length);
      return longer;
    }),
  );
  it("are refused in one line, or mean the same; none takes a second", () => {
    fc.assert(
      fc.property(mutation, (bytes) => {
        const started = performance.now();
        try {
          expect(writeModel(readModel(bytes))).toEqual(good);
        } catch (error) {
          expect(error).toBeInstanceOf(ModelFileError);
          expect((error as Error).message).toMatch(/^[^\n\r]{10,240}$/);
        }
        expect(performance.now() - started).toBeLessThan(1000);
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});
