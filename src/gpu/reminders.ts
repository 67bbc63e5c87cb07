// Firefox looks whether the GPU is done only every 100 ms and when something is submitted (version 153), so while something is awaited there,
// empty submits remind it. Elsewhere the GPU tells by itself.

const NEEDS_REMINDERS = typeof navigator === "object" && /Firefox\//.test(navigator.userAgent);
/** Browsers make it 4 ms after a few times. */
const EVERY_MS = 1;

/** Awaits what a queue or a buffer promises. */
export async function promptly(device: GPUDevice, promised: Promise<undefined>): Promise<void> {
  if (!NEEDS_REMINDERS) return promised;
  const timer = setInterval(() => device.queue.submit([]), EVERY_MS);
  try {
    await promised;
  } finally {
    clearInterval(timer);
  }
}
