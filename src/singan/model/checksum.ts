// The checksum of a model file, over what it holds and not how.

import type { StoredTensor } from "./safetensors.ts";

/** CRC-32 (IEEE 802.3) of metadata and tensors, each in the order of the names: independent of how the container lays them out. */
export function checksum(tensors: ReadonlyMap<string, StoredTensor>, metadata: Readonly<Record<string, string>>): string {
  const text = new TextEncoder();
  let crc = 0xffffffff;
  const add = (bytes: Uint8Array): void => {
    for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  };
  for (const key of Object.keys(metadata).sort()) add(text.encode(`${JSON.stringify([key, metadata[key]])}\n`));
  for (const name of [...tensors.keys()].sort()) {
    const { dtype, shape, data } = tensors.get(name)!;
    add(text.encode(`${JSON.stringify([name, dtype, shape])}\n`));
    add(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return ((crc ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
  return crc;
});
