// Whether pictures are made of a stroke that goes on.

/** All pictures of a painting together: where they take longer, they would lag behind the brush, and the brush behind the hand. */
export const LIVE_MS = 250;

/**
 * Where the last pictures took `lastMs` all together, whatever the GPU is called. Only one pass runs at a time, and the next one takes the
 * stroke as it is then, so a slower GPU makes fewer passes.
 */
export const isLive = (lastMs: number, isRunning: boolean): boolean => !isRunning && lastMs <= LIVE_MS;
