// Mutated model files: damaged bytes, and values changed by somebody who corrects the checksum.

import fc from "fast-check";
import { type Planes, toPlanes } from "../../src/image/planes.ts";
import { channelsAt, DEFAULTS } from "../../src/singan/model/config.ts";
import type { Model, StateDict } from "../../src/singan/model/model.ts";
import { checksum } from "../../src/singan/model/model-file.ts";
import { pyramidSizes } from "../../src/singan/model/pyramid.ts";
import { readSafetensors, type StoredTensor, writeSafetensors } from "../../src/singan/model/safetensors.ts";
import { type Net, parameterShapes } from "../../src/singan/model/shapes.ts";
import { resolveOptions, writeModel } from "../../src/singan/recipes.ts";
import { type Case, type Expected, fileOf } from "./cases.ts";

const SEED = 16;
const wave = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(1 + 1.7 * i) / 2);

function state(net: Net, channels: number): StateDict {
  const all = new Map<string, Float32Array>();
  for (const [name, shape] of parameterShapes(net, channels, DEFAULTS)) {
    all.set(name, wave(shape.reduce((a, b) => a * b)));
    if (net === "discriminator" || !name.endsWith("norm.bias")) continue;
    all.set(name.replace("bias", "running_mean"), wave(channels));
    all.set(name.replace("bias", "running_var"), wave(channels).map(Math.abs));
  }
  return all;
}

/** A small model as a training leaves it, with made-up weights. */
export function soundModel(): Model {
  const options = resolveOptions({ maxSize: 24, minSize: 12, iterations: 3, channels: 4, maxChannels: 8 });
  const { sizes, scaleFactor } = pyramidSizes({ width: 40, height: 30, ...options });
  const scales = sizes.map((size, k) => {
    const channels = channelsAt(k, options);
    const losses = { dReal: -0.3, dFake: 0.2, gradientPenalty: 0.1, gAdversarial: -0.1, reconstruction: 0.01 };
    const nets = { generator: state("generator", channels), discriminator: state("discriminator", channels) };
    return { size, channels, noiseAmp: k === 0 ? 1 : 0.05, losses, seconds: 1.5, ...nets };
  });
  const finest = sizes.at(-1)!;
  const pixels = Uint8Array.from({ length: 3 * finest.width * finest.height }, (_, i) => (i * 31) & 255);
  const photo: Planes = toPlanes({ ...finest, data: pixels });
  return { options, scaleFactor, sizes, scales, zStar: wave(sizes[0]!.width * sizes[0]!.height), photo };
}

type Change = (tensors: Map<string, StoredTensor>, metadata: Record<string, string>) => void;

/** The model with changes and a right checksum. */
function forged(good: Uint8Array, change: Change): Uint8Array {
  const { tensors, metadata } = readSafetensors(good);
  change(tensors, metadata);
  const { checksum: _, ...rest } = metadata;
  return writeSafetensors(tensors, { ...rest, checksum: checksum(tensors, rest) });
}

/** A file of a header and no data. */
function headerOnly(header: string, length = header.length): Uint8Array {
  const bytes = Buffer.concat([new Uint8Array(8), Buffer.from(header)]);
  bytes.writeBigUInt64LE(BigInt(length), 0);
  return bytes;
}

const tensorEntry = (name: string): string => `"${name}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`;
const fieldSet =
  (field: string, edit: (value: string) => string): Change =>
  (_, metadata) => {
    metadata[field] = edit(metadata[field]!);
  };
const filled =
  (name: string, value: number): Change =>
  (tensors) =>
    void tensors.get(name)!.data.fill(value);

function byHand(good: Uint8Array): readonly (readonly [name: string, expected: Expected, bytes: Uint8Array])[] {
  const many = Array.from({ length: 400_000 }, (_, i) => tensorEntry(`t${i}`)).join(",");
  const changes: readonly (readonly [name: string, expected: Expected, change: Change])[] = [
    ["a noise amplitude of 1e308", "refused", fieldSet("scales", (text) => text.replace(/"noise_amp":1/, '"noise_amp":1e308'))],
    ["a negative noise amplitude", "refused", fieldSet("scales", (text) => text.replace(/"noise_amp":1/, '"noise_amp":-1'))],
    ["1e300 seconds", "refused", fieldSet("scales", (text) => text.replace(/"seconds":1.5/, '"seconds":1e300'))],
    ["a loss of 1e999", "refused", fieldSet("scales", (text) => text.replace(/"dReal":-0.3/, '"dReal":1e999'))],
    ["sizes of a million", "refused", fieldSet("sizes", (text) => text.replace(/\d+\]\]$/, "1000000]]"))],
    ["100,000 scales", "refused", fieldSet("sizes", () => JSON.stringify(Array(100_000).fill([20, 20])))],
    ["a recipe of JavaScript", "refused", fieldSet("options", (text) => text.replace('"singan"', '"__proto__"'))],
    ["an option of JavaScript", "refused", fieldSet("options", (text) => text.replace("{", '{"__proto__":{"seed":1},'))],
    ["nested 5,000 deep", "refused", fieldSet("options", () => "[".repeat(5000) + "]".repeat(5000))],
    ["markup as an option", "refused", fieldSet("options", (text) => text.replace('"bicubic"', '"<img src=x>\\u001b[31m\\n"'))],
    ["weights of zero", "refused", filled("G.0.head.conv.weight", 0)],
    ["weights of NaN", "refused", filled("G.0.head.conv.weight", Number.NaN)],
    ["a tensor of no use", "refused", (tensors) => void tensors.set("x", { dtype: "U8", shape: [1], data: new Uint8Array(1) })],
    ["no photo", "refused", (tensors) => void tensors.delete("photo")],
    ["a comment", "either", (_, metadata) => void Object.assign(metadata, { comment: "<b>hello</b>" })],
    ["as it was", "read", () => {}],
  ];
  return [
    ...changes.map(([name, expected, change]) => [name, expected, forged(good, change)] as const),
    ["400,000 tensors", "refused", headerOnly(`{${many}}`)],
    ["a header of 2^63 bytes", "refused", headerOnly("{}", 2 ** 62)],
    ["a header longer than the file", "refused", headerOnly("{}", 4000)],
    ["a tensor of 2^100 bytes", "refused", headerOnly('{"a":{"dtype":"F32","shape":[1e30],"data_offsets":[0,4e30]}}')],
    [
      "a tensor that is too large",
      "refused",
      headerOnly('{"a":{"dtype":"U8","shape":[9e15],"data_offsets":[0,9000000000000000]}}'),
    ],
    ["no metadata", "refused", headerOnly(`{${tensorEntry("a")}}`)],
    ["a header of brackets", "refused", headerOnly("[".repeat(100_000))],
    ["nothing", "refused", new Uint8Array()],
    ["seven bytes", "refused", new Uint8Array(7)],
    ["a picture", "refused", Buffer.from("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "latin1")],
  ];
}

const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const EXTREMES: readonly unknown[] = [null, -1, 0, 1e308, 5e-324, 2 ** 53, "x", "", [], {}, true, "\u001b[31m\n", "__proto__"];
const FIELDS = ["options", "sizes", "scales", "scale_factor", "zero_z_shapes"];

/** JSON with one of its values, the one at `where` of them all, replaced. */
function replaced(json: string, where: number, value: unknown): string {
  let count = 0;
  JSON.parse(json, () => void count++);
  const chosen = Math.floor(where * count);
  let at = 0;
  return JSON.stringify(JSON.parse(json, (_, old) => (at++ === chosen ? value : old))) ?? "null";
}

/** At least `count` cases. */
export function modelCases(count: number): Case[] {
  const good = writeModel(soundModel());
  const made = byHand(good);
  const each = Math.ceil(Math.max(0, count - made.length) / 3);
  const header = 8 + Number(new DataView(good.buffer).getBigUint64(0, true));
  const sampled = <T>(arbitrary: fc.Arbitrary<T>): T[] => fc.sample(arbitrary, { numRuns: each, seed: SEED });
  const damage = sampled(fc.tuple(fc.constantFrom(8, header, good.length), share, fc.nat(255))).map(([range, where, value]) => {
    const bytes = good.slice();
    bytes[Math.floor(where * range)] = value;
    return bytes;
  });
  const cut = sampled(share).map((keep) => good.slice(0, Math.floor(keep * good.length)));
  const values = sampled(fc.tuple(fc.constantFrom(...FIELDS), share, fc.constantFrom(...EXTREMES))).map(([field, where, value]) =>
    forged(
      good,
      fieldSet(field, (text) => replaced(text, where, value)),
    ),
  );
  const named = (name: string, all: readonly Uint8Array[], expected: Expected): Case[] =>
    all.map((bytes, i) => fileOf(`${name} ${i}`, expected, bytes, "safetensors"));
  return [
    ...made.map(([name, expected, bytes]) => fileOf(name, expected, bytes, "safetensors")),
    ...named("changed byte", damage, "either"),
    ...named("cut", cut, "refused"),
    ...named("changed value", values, "either"),
  ];
}
