// Encodes an animation as a GIF with gifenc. All frames share one palette: with a palette per frame, parts that stand still would flicker.
// GIF89a.

import * as loaded from "gifenc";
import { gifDelay } from "./gif-delay.ts";
import { frameSize, type Rgb8, toRgba } from "./planes.ts";

/** gifenc is a CommonJS package: Node exports its functions as the default, bundlers by name. */
const gifenc: typeof loaded = "quantize" in loaded ? loaded : (loaded as { default: typeof loaded }).default;

const COLOURS = 256;
/** The palette is made from at most this many frames, evenly spread. More frames take memory and don't improve it. */
const PALETTE_FRAMES = 24;

/** Returns the file's bytes; the animation repeats for ever. Throws RangeError if there is no frame, if frames differ in size, or for a wrong fps. */
export function encodeGif(frames: readonly Rgb8[], fps: number): Uint8Array {
  const delay = 10 * gifDelay(fps);
  const { width, height } = frameSize(frames);
  const palette = paletteOf(frames);
  const nearest = nearestIn(palette);
  const gif = gifenc.GIFEncoder();
  frames.forEach((frame, i) => {
    const index = Uint8Array.from({ length: width * height }, (_, p) => nearest(frame.data, 3 * p));
    gif.writeFrame(index, width, height, { delay, repeat: 0, ...(i === 0 && { palette }) });
  });
  gif.finish();
  return gif.bytes();
}

function paletteOf(frames: readonly Rgb8[]): number[][] {
  const count = Math.min(frames.length, PALETTE_FRAMES);
  const chosen = Array.from({ length: count }, (_, i) => toRgba(frames[Math.floor((i * frames.length) / count)]!));
  const all = new Uint8Array(chosen.length * chosen[0]!.length);
  chosen.forEach((pixels, i) => {
    all.set(pixels, i * pixels.length);
  });
  return gifenc.quantize(all, COLOURS);
}

/**
 * Returns a function that finds the palette's colour nearest to the pixel at an offset, and returns its index. It uses all 8 bits of a channel.
 * gifenc's own search uses 5 or 6, which makes the error a third larger.
 */
function nearestIn(palette: readonly (readonly number[])[]): (pixels: Uint8Array, at: number) => number {
  const known = new Map<number, number>();
  return (pixels, at) => {
    const [r, g, b] = [pixels[at]!, pixels[at + 1]!, pixels[at + 2]!];
    const colour = (r << 16) | (g << 8) | b;
    let best = known.get(colour);
    if (best === undefined) {
      best = 0;
      let least = Number.POSITIVE_INFINITY;
      for (const [i, entry] of palette.entries()) {
        const distance = (entry[0]! - r) ** 2 + (entry[1]! - g) ** 2 + (entry[2]! - b) ** 2;
        if (distance < least) [least, best] = [distance, i];
      }
      known.set(colour, best);
    }
    return best;
  };
}
