// Records an animation as WebM with the browser's own encoder. It records what a canvas shows, so it takes as long as the animation.

import type { Rgb8 } from "../../../image/planes.ts";
import { showPicture } from "../../dom.ts";

const TYPE = "video/webm";
/** Encoders take some milliseconds for a small picture; a higher rate costs little there. */
const BITS_PER_PIXEL = 1;
const LEAST_BITS_PER_SECOND = 2_500_000;

/** What takes a frame of a canvas: the track of its stream, or in Firefox the stream. */
type FrameTaker = Pick<CanvasCaptureMediaStreamTrack, "requestFrame">;
const takesFrames = (one: object): one is FrameTaker => "requestFrame" in one;
type Classes = Readonly<Record<string, { readonly prototype: object } | undefined>>;
const { CanvasCaptureMediaStreamTrack: Track, CanvasCaptureMediaStream: Stream } = globalThis as unknown as Classes;

/** Whether this browser writes WebM. */
export const canRecord = (): boolean =>
  typeof MediaRecorder === "function" &&
  MediaRecorder.isTypeSupported(TYPE) &&
  [Track, Stream].some((one) => one && takesFrames(one.prototype));

/** The file; null where the signal has ended the recording. `onFrame` is called with the number of frames that are recorded. */
export async function recordWebm(
  frames: readonly Rgb8[],
  fps: number,
  onFrame: (count: number) => void,
  signal: AbortSignal,
): Promise<Blob | null> {
  const canvas = document.createElement("canvas");
  showPicture(canvas, frames[0]!);
  const stream = canvas.captureStream(0); // a frame is taken by requestFrame() only
  const [track] = stream.getVideoTracks() as [MediaStreamTrack];
  const taker = takesFrames(track) ? track : (stream as MediaStream & FrameTaker);
  const bits = BITS_PER_PIXEL * canvas.width * canvas.height * fps;
  const recorder = new MediaRecorder(stream, { mimeType: TYPE, videoBitsPerSecond: Math.max(bits, LEAST_BITS_PER_SECOND) });
  const parts: Blob[] = [];
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  const stopped = new Promise((resolve, reject) => {
    recorder.addEventListener("stop", resolve);
    recorder.addEventListener("error", () => reject(new Error("The browser could not record the animation.")));
  });
  const started = new Promise((resolve) => recorder.addEventListener("start", resolve));
  recorder.start();
  await Promise.race([started, stopped]);
  const begin = performance.now();
  for (const [i, frame] of frames.entries()) {
    showPicture(canvas, frame);
    taker.requestFrame();
    onFrame(i + 1);
    const wait = begin + ((i + 1) * 1000) / fps - performance.now(); // late frames do not delay later ones
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
    if (signal.aborted) break;
  }
  recorder.stop();
  await stopped;
  track.stop();
  return signal.aborted ? null : new Blob(parts, { type: TYPE });
}
