// Makes inputs for the applications from the bundled photos: paintings, edited photos and pasted objects.

import { readFileSync } from "node:fs";
import { PNG } from "pngjs";
import { type Rgb, type Rgb8, toPlanes, toRgb8 } from "../../src/image/planes.ts";
import { encodePng, readPng } from "../../src/image/png.ts";
import { imresizeTo } from "../../src/image/resample.ts";

/** Centre and radii are shares of the picture's width and height. */
interface Ellipse {
  readonly at: readonly [x: number, y: number];
  readonly radius: readonly [x: number, y: number];
  readonly colour: Rgb;
}

export interface Subject {
  readonly photo: string;
  /** Flags of its training. */
  readonly training: readonly string[];
  /** Flags of a training for super-resolution, if the page shows one. */
  readonly superResolution?: readonly string[];
  /** The painting: horizontal bands from top to bottom, each down to a share of the height, with ellipses on top. */
  readonly bands: readonly (readonly [to: number, colour: Rgb])[];
  readonly ellipses: readonly Ellipse[];
  /** The edit: a rectangle that is copied within the photo. All numbers are shares of width and height. */
  readonly copy: {
    readonly from: readonly [number, number];
    readonly to: readonly [number, number];
    readonly size: readonly [number, number];
  };
  /** The pasted object: an ellipse from another photo. */
  readonly paste: {
    readonly photo: string;
    readonly from: Ellipse["at"];
    readonly to: Ellipse["at"];
    readonly radius: readonly [number, number];
  };
}

export const readPhoto = (name: string): Rgb8 => readPng(readFileSync(`photos/${name}.png`));

const isInside = ({ at, radius }: Pick<Ellipse, "at" | "radius">, x: number, y: number): boolean =>
  ((x - at[0]) / radius[0]) ** 2 + ((y - at[1]) / radius[1]) ** 2 <= 1;

export function painting({ photo, bands, ellipses }: Subject): Uint8Array {
  const { width, height } = readPhoto(photo);
  const data = new Uint8Array(3 * width * height);
  for (let p = 0; p < width * height; p++) {
    const [x, y] = [(p % width) / width, Math.floor(p / width) / height];
    const band = bands.find(([to]) => y < to) ?? bands.at(-1)!;
    const top = ellipses.filter((e) => isInside(e, x, y)).at(-1);
    data.set(top?.colour ?? band[1], 3 * p);
  }
  return encodePng({ width, height, data });
}

export function edited({ photo, copy }: Subject): Uint8Array {
  const { width, height, data } = readPhoto(photo);
  const out = data.slice();
  const [w, h] = [Math.round(copy.size[0] * width), Math.round(copy.size[1] * height)];
  const corner = ([x, y]: readonly [number, number]) => [Math.round(x * width), Math.round(y * height)] as const;
  const [[fromX, fromY], [toX, toY]] = [corner(copy.from), corner(copy.to)];
  for (let y = 0; y < h; y++) {
    const row = 3 * ((fromY + y) * width + fromX);
    out.set(data.subarray(row, row + 3 * w), 3 * ((toY + y) * width + toX));
  }
  return encodePng({ width, height, data: out });
}

/** A picture that is transparent except for the pasted object. */
export function object({ photo, paste }: Subject): Uint8Array {
  const { width, height } = readPhoto(photo);
  const source = readPhoto(paste.photo);
  // The other photo is scaled to the height of this one, so that the object keeps its shape.
  const scaled = toRgb8(imresizeTo(toPlanes(source), { width: Math.round((source.width * height) / source.height), height }));
  const png = new PNG({ width, height });
  png.data.fill(0);
  const offset = [
    Math.round(paste.from[0] * scaled.width - paste.to[0] * width),
    Math.round((paste.from[1] - paste.to[1]) * height),
  ];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [sx, sy] = [x + offset[0]!, y + offset[1]!];
      const isInPhoto = sx >= 0 && sx < scaled.width && sy >= 0 && sy < height;
      if (!isInPhoto || !isInside({ at: paste.to, radius: paste.radius }, x / width, y / height)) continue;
      const from = 3 * (sy * scaled.width + sx);
      png.data.set([...scaled.data.subarray(from, from + 3), 255], 4 * (y * width + x));
    }
  }
  return new Uint8Array(PNG.sync.write(png));
}
