// Pictures as 8-bit pixels and as float planes in [-1,1], the conversions between them, and a contact sheet.
// Ranges are those of the official SinGAN code (functions.py: np2torch, denorm, convert_image_np).

/** In pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}
export const isSameSize = (a: Size, b: Size): boolean => a.width === b.width && a.height === b.height;

/** The axes on which a picture continues at its opposite border: a seamless tile. */
export interface Wraps {
  readonly x: boolean;
  readonly y: boolean;
}
export const NO_WRAPS: Wraps = { x: false, y: false };

/** An 8-bit colour picture. data is [height, width, 3], interleaved. */
export interface Rgb8 extends Size {
  readonly data: Uint8Array;
}

/** A picture with its transparency. alpha is [h, w], where 255 is opaque; it is null if the whole picture is opaque. */
export interface Layer {
  readonly picture: Rgb8;
  readonly alpha: Uint8Array | null;
}

/**
 * A picture as the networks see it. data is [channels, height, width] in [-1,1]. One channel is grey, three are colours; with a fourth, that
 * one is alpha (1 is opaque), and the colours are those that the picture has on white.
 */
export interface Planes extends Size {
  readonly data: Float32Array;
}

/** How many channels a picture has. */
export const channelsOf = ({ width, height, data }: Planes): number => data.length / (width * height);

export type Rgb = readonly [red: number, green: number, blue: number];
const WHITE: Rgb = [255, 255, 255];

const clamp = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

/** The float of each of the 256 levels v: (f32(v/255) − 0.5)·2. It is rounded to float32 at the same step as in PyTorch. */
export const levels: Float32Array = Float32Array.from({ length: 256 }, (_, v) => (Math.fround(v / 255) - 0.5) * 2);

/** x = (v/255 − 0.5)·2.  [h, w, 3] u8 → [3, h, w] in [-1,1]. Throws RangeError if data has another length, such as RGBA's. */
export function toPlanes({ width, height, data }: Rgb8): Planes {
  const area = width * height;
  if (data.length !== 3 * area) throw new RangeError(`${width}x${height} RGB needs ${3 * area} bytes, not ${data.length}`);
  const out = new Float32Array(3 * area);
  for (let c = 0; c < 3; c++) for (let p = 0; p < area; p++) out[c * area + p] = levels[data[3 * p + c]!]!;
  return { width, height, data: out };
}

const isGrey = ({ data }: Rgb8): boolean => data.every((v, i) => v === data[i - (i % 3)]);

/** What a photo is trained as: all its channels, as Planes has them. A grey photo has one, unless it has alpha. */
export function photoPlanes(layer: Layer): Planes {
  const rgb = flattened(layer);
  const whole = toPlanes(rgb);
  const { width, height, data } = whole;
  const area = width * height;
  if (!layer.alpha) return isGrey(rgb) ? { width, height, data: data.slice(0, area) } : whole;
  const all = new Float32Array(4 * area);
  all.set(data);
  for (let p = 0; p < area; p++) all[3 * area + p] = levels[layer.alpha[p]!]!;
  return { width, height, data: all };
}

/** The picture in other channels: colours become grey by their brightness (ITU-R BT.601), grey becomes colours. Alpha can be left out, not made. */
export function inChannels(planes: Planes, channels: 1 | 3): Planes {
  const { width, height, data } = planes;
  const [area, given] = [width * height, channelsOf(planes)];
  if (given === channels) return planes;
  if (given === 1) return { width, height, data: Float32Array.from({ length: 3 * area }, (_, i) => data[i % area]!) };
  if (channels === 3) return { width, height, data: data.slice(0, 3 * area) };
  const brightness = (p: number): number => 0.299 * data[p]! + 0.587 * data[area + p]! + 0.114 * data[2 * area + p]!;
  return { width, height, data: Float32Array.from({ length: area }, (_, p) => brightness(p)) };
}

/**
 * v = round(255·clamp((x+1)/2, 0, 1)).  [c, h, w] → [h, w, 3] u8; NaN becomes 0. Grey is repeated; with alpha it is the picture on white.
 * The official code rounds down, which darkens by half a level on average. With rounding to nearest, toRgb8(toPlanes(x)) equals x.
 */
export function toRgb8(planes: Planes): Rgb8 {
  const { width, height, data } = planes;
  const area = width * height;
  const out = new Uint8Array(3 * area);
  for (let c = 0; c < 3; c++) {
    const from = channelsOf(planes) === 1 ? 0 : c * area;
    for (let p = 0; p < area; p++) out[3 * p + c] = level(data[from + p]!);
  }
  return { width, height, data: out };
}
const level = (x: number): number => Math.round(255 * clamp((x + 1) / 2, 0, 1));

/** The picture with its transparency: on white it looks as toRgb8() has it, as far as its alpha lets it. */
export function toLayer(planes: Planes): Layer {
  const picture = toRgb8(planes);
  if (channelsOf(planes) < 4) return { picture, alpha: null };
  const alpha = Uint8Array.from(planes.data.subarray(3 * planes.width * planes.height), level);
  const data = picture.data.map((v, i) => {
    const a = alpha[Math.floor(i / 3)]!;
    return a === 0 ? 255 : Math.round(clamp(255 - (255 * (255 - v)) / a, 0, 255));
  });
  return { picture: { ...picture, data }, alpha };
}

/** RGB → RGBA, opaque. */
export function toRgba({ width, height, data }: Rgb8): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let p = 0; p < width * height; p++) for (let c = 0; c < 3; c++) rgba[4 * p + c] = data[3 * p + c]!;
  return rgba;
}

/** RGBA pixels of colours and alpha. */
export function interleaved({ width, height, data }: Rgb8, alpha: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: 4 * width * height }, (_, i) => {
    const p = Math.floor(i / 4);
    return i % 4 === 3 ? alpha[p]! : data[3 * p + (i % 4)]!;
  });
}

/** The colours of RGBA pixels, such as those of a canvas: `[h, w, 4]` bytes → `[h, w, 3]`. Transparency is left out. */
export function fromRgba(size: Size, rgba: ArrayLike<number>): Rgb8 {
  const { width, height } = size;
  const data = new Uint8Array(3 * width * height);
  for (let p = 0; p < width * height; p++) for (let c = 0; c < 3; c++) data[3 * p + c] = rgba[4 * p + c]!;
  return { width, height, data };
}

/** The layer of RGBA pixels. */
export function layerOf(size: Size, rgba: ArrayLike<number>): Layer {
  const alpha = Uint8Array.from({ length: size.width * size.height }, (_, p) => rgba[4 * p + 3]!);
  return { picture: fromRgba(size, rgba), alpha: alpha.every((a) => a === 255) ? null : alpha };
}

/** Blends the layer over `background` (default white): round(a·colour + (1 − a)·background) with a = alpha/255. */
export function flattened({ picture, alpha }: Layer, background = WHITE): Rgb8 {
  if (!alpha) return picture;
  const data = picture.data.map((value, at) => {
    const a = alpha[Math.floor(at / 3)]! / 255;
    return Math.round(a * value + (1 - a) * background[at % 3]!);
  });
  return { ...picture, data };
}

/** The size of an animation's frames. Throws RangeError if there is no frame, or if frames differ in size. */
export function frameSize(frames: readonly Rgb8[]): Size {
  const [first] = frames;
  if (!first) throw new RangeError("an animation needs at least one frame");
  const { width, height } = first;
  const odd = frames.find((frame) => !isSameSize(frame, first));
  if (!odd) return { width, height };
  throw new RangeError(
    `all frames must have one size, but one is ${odd.width}x${odd.height} and the first is ${width}x${height}`,
  );
}

/** Root of the mean squared difference over all values of two pictures of one size. */
export function rmse(a: Planes, b: Planes): number {
  const sum = a.data.reduce((total, v, i) => total + (v - b.data[i]!) ** 2, 0);
  return Math.sqrt(sum / a.data.length);
}

/** The rectangle of width x height pixels whose top left corner is (left, top).  Throws RangeError if it is not inside the picture. */
export function crop(planes: Planes, left: number, top: number, width: number, height: number): Planes {
  if (left < 0 || top < 0 || width < 1 || height < 1 || left + width > planes.width || top + height > planes.height)
    throw new RangeError(
      `crop ${width}x${height} at (${left}, ${top}) is not inside a picture of ${planes.width}x${planes.height}`,
    );
  const channels = channelsOf(planes);
  const data = new Float32Array(channels * width * height);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const from = (c * planes.height + top + y) * planes.width + left;
      data.set(planes.data.subarray(from, from + width), (c * height + y) * width);
    }
  }
  return { width, height, data };
}

/** The same where the picture goes on periodically beyond its borders: the corner may be anywhere, and the rectangle larger than the picture. */
export function periodicCrop(planes: Planes, left: number, top: number, width: number, height: number): Planes {
  const wrapped = (at: number, length: number) => ((at % length) + length) % length;
  const columns = Array.from({ length: width }, (_, x) => wrapped(left + x, planes.width));
  const channels = channelsOf(planes);
  const data = new Float32Array(channels * width * height);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const from = (c * planes.height + wrapped(top + y, planes.height)) * planes.width;
      const to = (c * height + y) * width;
      for (let x = 0; x < width; x++) data[to + x] = planes.data[from + columns[x]!]!;
    }
  }
  return { width, height, data };
}

/** Enlarges by a whole factor: every pixel becomes a square. */
export function enlarged({ width, height, data }: Rgb8, factor: number): Rgb8 {
  const out = new Uint8Array(3 * factor * width * factor * height);
  for (let y = 0; y < factor * height; y++) {
    for (let x = 0; x < factor * width; x++) {
      const from = 3 * (Math.floor(y / factor) * width + Math.floor(x / factor));
      out.set(data.subarray(from, from + 3), 3 * (y * factor * width + x));
    }
  }
  return { width: factor * width, height: factor * height, data: out };
}

/** A picture of one colour. */
export function blank(width: number, height: number, colour = WHITE): Rgb8 {
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, (_, i) => colour[i % 3]!) };
}

/** Copies a picture into a larger one, its top left corner to (left, top). */
export function paste(onto: Rgb8, { width, height, data }: Rgb8, left: number, top: number): void {
  for (let y = 0; y < height; y++)
    onto.data.set(data.subarray(3 * y * width, 3 * (y + 1) * width), 3 * ((top + y) * onto.width + left));
}

/**
 * A contact sheet: a grid of pictures on a background, with rows from top to bottom and `gap` pixels around every cell.
 * A cell has the largest width and the largest height of all pictures. A smaller picture is enlarged by the largest whole factor that fits
 * (nearest neighbour) and centred in its cell. Rows may differ in length. Throws RangeError if there is no picture.
 */
export function sheet(rows: readonly (readonly Rgb8[])[], options: { gap?: number; background?: Rgb } = {}): Rgb8 {
  const { gap = 4, background = WHITE } = options;
  const all = rows.flat();
  if (all.length === 0) throw new RangeError("a contact sheet needs at least one picture");
  const cellWidth = Math.max(...all.map((picture) => picture.width));
  const cellHeight = Math.max(...all.map((picture) => picture.height));
  const columns = Math.max(...rows.map((row) => row.length));
  const whole = blank(gap + columns * (cellWidth + gap), gap + rows.length * (cellHeight + gap), background);
  for (const [i, row] of rows.entries()) {
    for (const [j, picture] of row.entries()) {
      const large = enlarged(picture, Math.floor(Math.min(cellWidth / picture.width, cellHeight / picture.height)));
      const left = gap + j * (cellWidth + gap) + ((cellWidth - large.width) >> 1);
      paste(whole, large, left, gap + i * (cellHeight + gap) + ((cellHeight - large.height) >> 1));
    }
  }
  return whole;
}
