// Opens the page's workers so that each has the page's policy. A worker takes its policy from the headers of its script, and a static host sends none.

/** Set by build.mjs: whether this is the site, whose service worker (offline.ts) answers for the host. A page that is worked on must not be kept. */
declare const IS_SITE: boolean;

/** So long the first visit waits for the service worker, which fetches all files. */
const GUARD_MS = 5000;

/** A worker that needs no GPU. Its script is in memory, and so has the policy of the page that made it. */
export function openWorker(url: URL): Worker {
  const script = URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" }));
  return new Worker(script, { type: "module" });
}

/**
 * A worker that uses the GPU. Chrome notes by the host of a script which pages have lost their GPU, and a script in memory has no host: after a
 * second loss, reloading the page would not help. So this script comes from the server, on the site through the service worker, which adds the policy.
 */
export async function openGpuWorker(url: URL): Promise<Worker> {
  if (IS_SITE) await guard();
  return new Worker(url, { type: "module" });
}

/** Ends when the service worker answers for the host, or where the browser has none for this page. */
async function guard(): Promise<void> {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  const isControlled = new Promise<void>((resolve) => {
    if (serviceWorker.controller) resolve();
    serviceWorker.addEventListener("controllerchange", () => resolve(), { once: true });
    setTimeout(resolve, GUARD_MS);
  });
  await serviceWorker.register("offline.js").then(
    () => isControlled,
    () => {}, // a browser may forbid it
  );
}
