// The delays of a GIF's frames: whole hundredths of a second. Browsers slow down an animation whose delay is less than two hundredths.

export const MAX_GIF_FPS = 50;

/** Returns how long a frame is shown at `fps` frames per second, in whole hundredths of a second. Throws RangeError above 50 fps. */
export function gifDelay(fps: number): number {
  if (!(fps > 0 && fps <= MAX_GIF_FPS))
    throw new RangeError(`a GIF can have at most ${MAX_GIF_FPS} frames per second, not ${fps}`);
  return Math.round(100 / fps);
}
