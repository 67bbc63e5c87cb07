// The worker that writes files of several pictures, GIF, APNG and zip, so that the page stays free. It writes one file and is ended then.

import { type Zippable, zipSync, zlibSync } from "fflate";
import { encodeApng } from "../image/apng.ts";
import { encodeGif } from "../image/gif.ts";
import type { Rgb8 } from "../image/planes.ts";
import { uniqueNames } from "./file-names.ts";
import { pngBlob } from "./png-blob.ts";

export type FileRequest =
  | { readonly kind: "gif" | "apng"; readonly frames: readonly Rgb8[]; readonly fps: number }
  /** PNGs in a zip; names that appear twice get numbers. */
  | { readonly kind: "zip"; readonly pictures: readonly { readonly picture: Rgb8; readonly file: string }[] };
export type FileReply = { readonly bytes: Uint8Array<ArrayBuffer> } | { readonly problem: string };

async function zip({ pictures }: FileRequest & { kind: "zip" }): Promise<Uint8Array<ArrayBuffer>> {
  const names = uniqueNames(pictures.map(({ file }) => file));
  const files: Zippable = {};
  for (const [i, { picture }] of pictures.entries()) {
    const png = new Uint8Array(await (await pngBlob(picture)).arrayBuffer());
    files[names[i]!] = [png, { level: 0 }]; // it is compressed already
  }
  return zipSync(files) as Uint8Array<ArrayBuffer>;
}

async function bytesOf(request: FileRequest): Promise<Uint8Array<ArrayBuffer>> {
  if (request.kind === "zip") return zip(request);
  const { kind, frames, fps } = request;
  return kind === "gif" ? new Uint8Array(encodeGif(frames, fps)) : encodeApng(frames, fps, zlibSync);
}

self.addEventListener("message", ({ data }: MessageEvent<FileRequest>) => {
  bytesOf(data).then(
    (bytes) => self.postMessage({ bytes } satisfies FileReply, { transfer: [bytes.buffer] }),
    (error: unknown) => self.postMessage({ problem: String(error) } satisfies FileReply),
  );
});
