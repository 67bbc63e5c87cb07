// The safetensors reader and writer: reading returns the written bits, writing is deterministic, and damaged files are refused in one line.
// It also reads the recorded vectors, whose float32 data begin at unaligned positions.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readSafetensors, SafetensorsError, type StoredTensor, writeSafetensors } from "../../src/singan/model/safetensors.ts";

const sample = (): Map<string, StoredTensor> =>
  new Map<string, StoredTensor>([
    ["b", { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 255) }],
    ["10", { dtype: "F32", shape: [2, 2], data: Float32Array.of(0.1, -0, Number.NaN, Infinity) }],
    ["2", { dtype: "F32", shape: [], data: Float32Array.of(3e-45) }],
    ["half", { dtype: "F16", shape: [1, 3], data: Uint16Array.of(0x3c00, 0x8000, 0x7e00) }],
    ["none", { dtype: "F32", shape: [0, 4], data: new Float32Array(0) }],
  ]);

const bitsOf = (data: StoredTensor["data"]) => Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));

/** Makes a file from the text of its header and a number of data bytes. */
function file(header: string, dataBytes = 0, headerBytes?: number): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes ?? json.length), true);
  bytes.set(json, 8);
  return bytes;
}
const tensor = (begin: number, end: number, shape: unknown = [end - begin], dtype: unknown = "U8") => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});
const described = (tensors: Record<string, unknown>, dataBytes: number) => file(JSON.stringify(tensors), dataBytes);

describe("round trip", () => {
  it("keeps order, shapes, metadata and every bit", () => {
    const bytes = writeSafetensors(sample(), { format: "pt", note: 'line\n"quoted"' });
    const { tensors, metadata } = readSafetensors(bytes);
    expect(metadata).toEqual({ format: "pt", note: 'line\n"quoted"' });
    expect([...tensors.keys()]).toEqual(["b", "10", "2", "half", "none"]);
    for (const [name, want] of sample()) {
      expect(tensors.get(name)).toMatchObject({ dtype: want.dtype, shape: want.shape });
      expect(bitsOf(tensors.get(name)!.data)).toEqual(bitsOf(want.data));
    }
  });

  it("writes the same bytes again, the data from a multiple of 8", () => {
    const bytes = writeSafetensors(sample());
    expect(writeSafetensors(readSafetensors(bytes).tensors)).toEqual(bytes);
    expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
  });

  it("copies: changing what was read leaves the file alone, also in a Buffer at an odd address", () => {
    const bytes = writeSafetensors(sample());
    const pool = Buffer.alloc(bytes.length + 1);
    pool.set(bytes, 1);
    const { tensors } = readSafetensors(pool.subarray(1));
    expect(tensors.get("10")!.data[0]).toBe(Math.fround(0.1));
    tensors.get("10")!.data.fill(7);
    tensors.get("b")!.data.fill(7);
    expect(new Uint8Array(pool.subarray(1))).toEqual(bytes);
  });

  it("reads a view of a larger array written from a view", () => {
    const data = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
    const bytes = writeSafetensors(new Map([["x", { dtype: "F32", shape: [2], data }]]));
    expect(Array.from(readSafetensors(bytes).tensors.get("x")!.data)).toEqual([1, 2]);
  });

  it("reads the recorded vectors", () => {
    const { tensors } = readSafetensors(
      readFileSync(new URL("../golden/d_imresize_03_photo_31x43.safetensors", import.meta.url)),
    );
    expect(tensors.get("y.0")!.shape).toEqual([1, 3, 31, 43]);
    expect(tensors.get("y.0")!.data.every((v) => v >= -1 && v <= 1)).toBe(true);
  });
});

describe("refusals", () => {
  const big = 2 ** 40;
  it.each<[string, Uint8Array, RegExp]>([
    ["nothing", new Uint8Array(0), /only 0 bytes/],
    ["a few bytes", Uint8Array.of(1, 2, 3), /only 3 bytes/],
    ["text", new TextEncoder().encode("just some text, no tensors"), /^not a safetensors file: it does not begin/],
    ["a header longer than the file", file("{}", 0, 100), /truncated .* 100 bytes, 2 are there/],
    ["a header that is not JSON", file("{oops"), /not JSON/],
    ["a header that is not UTF-8", Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe), /not JSON/],
    ["a header that is a list", file("[]"), /not a JSON object/],
    ["a null header", file("null"), /not a JSON object/],
    ["metadata that are not strings", file('{"__metadata__":{"a":1}}'), /__metadata__/],
    ["a tensor that is a number", file('{"x":1}'), /"x": not described/],
    ["an unknown dtype", described({ x: tensor(0, 2, [1], "BF16") }, 2), /"x": dtype "BF16"/],
    ["a negative size", described({ x: tensor(0, 4, [-4]) }, 4), /"x": the shape/],
    ["a broken size", described({ x: tensor(0, 4, [4.5]) }, 4), /"x": the shape/],
    ["a shape that is text", described({ x: tensor(0, 4, "4") }, 4), /"x": the shape/],
    ["a shape too large for its data", described({ x: tensor(0, 4, [big, big]) }, 4), /"x": .* takes/],
    ["a shape that disagrees with its data", described({ x: tensor(0, 12, [2], "F32") }, 12), /takes 8 bytes, not 12/],
    ["reversed offsets", described({ x: tensor(4, 0, [4]) }, 4), /takes 4 bytes, not -4/],
    ["one offset", file('{"x":{"dtype":"U8","shape":[0],"data_offsets":[0]}}'), /two positions/],
    ["data that end early", described({ x: tensor(0, 4) }, 3), /truncated .* ends at 4 of 3/],
    ["data that go on", described({ x: tensor(0, 4) }, 6), /2 bytes after/],
    ["a hole", described({ x: tensor(0, 2), y: tensor(3, 5) }, 5), /"y" leaves a hole of 1 bytes/],
    ["an overlap", described({ x: tensor(0, 3), y: tensor(2, 5) }, 5), /"y" overlaps/],
    ["the same data twice", described({ x: tensor(0, 3), y: tensor(0, 3) }, 3), /"y" overlaps/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(SafetensorsError);
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  it("refuses a header of 400,000 tensors before it parses it", () => {
    const entries = Array.from({ length: 400_000 }, (_, i) => `"t${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`);
    const bytes = file(`{${entries.join(",")}}`);
    const started = performance.now();
    expect(() => readSafetensors(bytes)).toThrow(/^the safetensors file has a header of \d{8} bytes; at most 4000000 are read$/);
    expect(performance.now() - started).toBeLessThan(100);
  });

  it("refuses to write a shape that disagrees with its data, or a tensor in the place of the metadata", () => {
    const data = new Float32Array(4);
    expect(() => writeSafetensors(new Map([["x", { dtype: "F32", shape: [3], data }]]))).toThrow(SafetensorsError);
    expect(() => writeSafetensors(new Map([["x", { dtype: "F32", shape: [-2, -2], data }]]))).toThrow(SafetensorsError);
    expect(() => writeSafetensors(new Map([["__metadata__", { dtype: "F32", shape: [4], data }]]))).toThrow(SafetensorsError);
  });

  it("500 mutations: read, or refused in one line", () => {
    const good = writeSafetensors(sample(), { note: "x" });
    let refused = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        fc.nat(good.length),
        (edits, cut) => {
          const bytes = good.slice(0, cut % 3 === 0 ? cut : good.length);
          for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
          try {
            readSafetensors(bytes);
          } catch (error) {
            refused++;
            expect(error).toBeInstanceOf(SafetensorsError);
            expect((error as Error).message).not.toMatch(/\n/);
          }
        },
      ),
      { numRuns: 500, seed: 1 },
    );
    expect(refused).toBeGreaterThan(100); // the test needs mutations that are detected
  });
});
