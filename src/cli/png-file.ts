// Writes a PNG row by row through zlib into a file, for pictures that are too large for main memory. Node.
// PNG 3rd edition: 8-bit RGB. Every row has the filter "up", the difference to the row above, which deflates well on photos.

import { once } from "node:events";
import { closeSync, openSync, writeSync } from "node:fs";
import { createDeflate, type Deflate } from "node:zlib";
import type { Rgb8 } from "../image/planes.ts";
import { pngChunk, pngSignature, rgbHeader } from "../image/png-chunks.ts";

const FILTER_UP = 2;

export class PngFile {
  readonly #file: number;
  readonly #deflate: Deflate;
  #failure: Error | null = null;
  #above: Uint8Array;
  #rows = 0;

  /** Opens the file. Throws what openSync throws. */
  constructor(
    path: string,
    private readonly width: number,
    private readonly height: number,
  ) {
    this.#above = new Uint8Array(3 * width);
    this.#file = openSync(path, "w");
    this.#deflate = createDeflate();
    this.#deflate.on("error", (error) => {
      this.#failure = error;
    });
    this.#deflate.on("data", (data: Buffer) => {
      try {
        this.#chunk("IDAT", data);
      } catch (error) {
        this.#failure = error as Error;
      }
    });
    this.#write(Uint8Array.from(pngSignature));
    this.#write(rgbHeader(width, height));
  }

  #write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
  }

  #chunk(type: string, data: Uint8Array): void {
    this.#write(pngChunk(type, [data]));
  }

  /** Appends rows of the picture's width. Throws RangeError for rows that do not fit, and what writing throws. */
  async add({ width, height, data }: Rgb8): Promise<void> {
    if (width !== this.width || this.#rows + height > this.height)
      throw new RangeError(`${width}x${height} more does not fit a PNG of ${this.width}x${this.height} with ${this.#rows} rows`);
    const line = 3 * width;
    const filtered = new Uint8Array(height * (line + 1));
    for (let y = 0; y < height; y++) {
      const row = data.subarray(y * line, (y + 1) * line);
      filtered[y * (line + 1)] = FILTER_UP;
      for (let i = 0; i < line; i++) filtered[y * (line + 1) + 1 + i] = row[i]! - this.#above[i]!;
      this.#above = row;
    }
    this.#rows += height;
    if (!this.#deflate.write(filtered)) await once(this.#deflate, "drain");
    this.#check();
  }

  #check(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Ends the file. Throws RangeError if rows are missing, and what writing throws. */
  async end(): Promise<void> {
    try {
      if (this.#rows !== this.height) throw new RangeError(`a PNG of ${this.height} rows has only ${this.#rows}`);
      const ended = once(this.#deflate, "end");
      this.#deflate.end();
      await ended;
      this.#check();
      this.#chunk("IEND", new Uint8Array());
    } finally {
      this.close();
    }
  }

  #isOpen = true;
  close(): void {
    if (this.#isOpen) closeSync(this.#file);
    this.#isOpen = false;
  }
}
