// The safetensors container for tensors of float32, float16 and uint8: read with full validation, written byte for byte the same each time.
// Format: 8-byte little-endian header length, JSON header, raw little-endian data (huggingface/safetensors).

export type StoredTensor =
  | { readonly dtype: "F32"; readonly shape: readonly number[]; readonly data: Float32Array }
  /** The bits of 16-bit floats; see half.ts. */
  | { readonly dtype: "F16"; readonly shape: readonly number[]; readonly data: Uint16Array }
  | { readonly dtype: "U8"; readonly shape: readonly number[]; readonly data: Uint8Array };

/** Not a safetensors file, or one this program cannot hold; the message is one line. */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";
}

const itemBytes = { F32: 4, F16: 2, U8: 1 } as const;

/** The reference implementation's limit on the header. */
const maxHeaderBytes = 100_000_000;
/** This program's limit: parsing 100 MB takes 5 s and 500 MB, and the largest possible model, with 114 scales, has a header of 1 MB. */
const maxParsedBytes = 4_000_000;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new SafetensorsError("not a safetensors file: the header is not JSON");
  }
  if (!isObject(header)) throw new SafetensorsError("not a safetensors file: the header is not a JSON object");
  return header;
}

function parseEntry(name: string, value: unknown) {
  const fail = (why: string) => new SafetensorsError(`tensor ${JSON.stringify(name)}: ${why}`);
  if (!isObject(value)) throw fail("not described by an object");
  const { dtype, shape, data_offsets: offsets } = value;
  if (dtype !== "F32" && dtype !== "F16" && dtype !== "U8") throw fail(`dtype ${JSON.stringify(dtype)} is not F32, F16 or U8`);
  if (!Array.isArray(shape) || !shape.every(isCount)) throw fail("the shape is not a list of sizes");
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw fail("data_offsets are not two positions");
  const [begin, end] = offsets as [number, number];
  const need = shape.reduce((product, size) => product * size, itemBytes[dtype]);
  if (end - begin !== need) throw fail(`[${shape}] of ${dtype} takes ${need} bytes, not ${end - begin}`);
  return { name, dtype, shape: shape as number[], begin, end } as const;
}

function parseMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value) || !Object.values(value).every((text) => typeof text === "string"))
    throw new SafetensorsError("__metadata__ is not an object of strings");
  return value as Record<string, string>;
}

function tensorOf(dtype: StoredTensor["dtype"], shape: readonly number[], data: Uint8Array<ArrayBuffer>): StoredTensor {
  if (dtype === "F32") return { dtype, shape, data: new Float32Array(data.buffer) };
  if (dtype === "F16") return { dtype, shape, data: new Uint16Array(data.buffer) };
  return { dtype, shape, data };
}

/** The length of the header in bytes, from the file's first 8 bytes. Throws SafetensorsError if it is too large. */
export function headerLength(bytes: Uint8Array): number {
  if (bytes.length < 8) throw new SafetensorsError(`not a safetensors file: only ${bytes.length} bytes`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > maxHeaderBytes)
    throw new SafetensorsError("not a safetensors file: it does not begin with the length of its header");
  if (length > maxParsedBytes)
    throw new SafetensorsError(`the safetensors file has a header of ${length} bytes; at most ${maxParsedBytes} are read`);
  return length;
}

/**
 * Tensors in the order of their data, and the metadata. Tensors are copies, aligned whatever the file's layout.
 * Throws SafetensorsError unless header and data are complete, and the tensors fill the data without holes or overlaps.
 */
export function readSafetensors(bytes: Uint8Array): { tensors: Map<string, StoredTensor>; metadata: Record<string, string> } {
  const headerBytes = headerLength(bytes);
  if (headerBytes > bytes.length - 8)
    throw new SafetensorsError(
      `truncated safetensors file: the header takes ${headerBytes} bytes, ${bytes.length - 8} are there`,
    );
  const { __metadata__: rawMetadata, ...described } = parseHeader(bytes.subarray(8, 8 + headerBytes));
  const metadata = parseMetadata(rawMetadata);
  const entries = Object.entries(described).map(([name, value]) => parseEntry(name, value));
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);

  const data = bytes.subarray(8 + headerBytes);
  const tensors = new Map<string, StoredTensor>();
  let position = 0;
  for (const { name, dtype, shape, begin, end } of entries) {
    if (begin !== position) {
      const what = begin < position ? "overlaps another" : `leaves a hole of ${begin - position} bytes before it`;
      throw new SafetensorsError(`tensor ${JSON.stringify(name)} ${what}`);
    }
    if (end > data.length)
      throw new SafetensorsError(
        `truncated safetensors file: tensor ${JSON.stringify(name)} ends at ${end} of ${data.length} bytes`,
      );
    const copy = new Uint8Array(data.subarray(begin, end)); // not slice: a Buffer's slice is a view
    tensors.set(name, tensorOf(dtype, shape, copy));
    position = end;
  }
  if (position !== data.length) throw new SafetensorsError(`${data.length - position} bytes after the last tensor`);
  return { tensors, metadata };
}

/**
 * The file's bytes: metadata, then tensors, keys and data in insertion order; the header is padded with spaces so that the data
 * starts at a multiple of 8. Throws SafetensorsError if a shape and its data disagree, or a tensor is named __metadata__.
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  let position = 0;
  // Written key by key: an object would put names that look like numbers first.
  const fields = [`"__metadata__":${JSON.stringify(metadata)}`];
  for (const [name, { dtype, shape, data }] of tensors) {
    const count = shape.reduce((product, size) => product * size, 1);
    if (name === "__metadata__" || !shape.every(isCount) || count !== data.length)
      throw new SafetensorsError(`tensor ${JSON.stringify(name)}: cannot store ${data.length} values as [${shape}]`);
    const end = position + data.byteLength;
    fields.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [position, end] })}`);
    position = end;
  }
  const json = new TextEncoder().encode(`{${fields.join(",")}}`);
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(8 + headerBytes + position);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, 8, 8 + headerBytes);
  bytes.set(json, 8);
  let at = 8 + headerBytes;
  for (const { data } of tensors.values()) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}
