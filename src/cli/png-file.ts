// Writes a PNG row by row through zlib into a file, for pictures that are too large for main memory. Node.
// PNG 3rd edition: 8-bit RGB or RGBA. Every row has the filter "up", the difference to the row above, which deflates well on photos.

import { once } from "node:events";
import { closeSync, openSync, writeSync } from "node:fs";
import { createDeflate, type Deflate } from "node:zlib";
import { interleaved, type Rgb8 } from "../image/planes.ts";
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
    private readonly hasAlpha = false,
  ) {
    this.#above = new Uint8Array(this.#line);
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
    this.#write(rgbHeader(width, height, hasAlpha));
  }

  /** Bytes of a row. */
  get #line(): number {
    return (this.hasAlpha ? 4 : 3) * this.width;
  }

  #write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
  }

  #chunk(type: string, data: Uint8Array): void {
    this.#write(pngChunk(type, [data]));
  }

  /** Appends rows of the picture's width; without `alpha` they are opaque. Throws RangeError for rows that do not fit, and what writing throws. */
  async add(picture: Rgb8, alpha: Uint8Array | null = null): Promise<void> {
    const { width, height } = picture;
    const data = this.hasAlpha ? interleaved(picture, alpha ?? new Uint8Array(width * height).fill(255)) : picture.data;
    if (width !== this.width || this.#rows + height > this.height)
      throw new RangeError(`${width}x${height} more does not fit a PNG of ${this.width}x${this.height} with ${this.#rows} rows`);
    const line = this.#line;
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
  /** What is still being compressed is given up: the number of a closed file may be another file's by then. */
  close(): void {
    this.#deflate.destroy();
    if (this.#isOpen) closeSync(this.#file);
    this.#isOpen = false;
  }
}
