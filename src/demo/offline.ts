// The service worker of the site: keeps a copy of all its files, so that the page opens without a network after the first visit.
// A new version is fetched whole and takes over when no tab shows the old one, so that the files of two versions never mix. It
// also adds the page's policy to every answer.

/** Set by build.mjs: the site's files, a name that changes with their contents, and the page's policy. */
declare const FILES: readonly string[];
declare const VERSION: string;
declare const POLICY: string;

/** What is used of ServiceWorkerGlobalScope, which TypeScript's library for pages lacks. */
interface Lifetime extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetch extends Event {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
declare const clients: { claim(): Promise<void> };

const PREFIX = "singan-";
const NAME = PREFIX + VERSION;

async function keep(): Promise<void> {
  const copy = await caches.open(NAME);
  await copy.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" }))); // a host's copies may be of the version before
}

async function takeOver(): Promise<void> {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== NAME) await caches.delete(name);
  await clients.claim();
}

/** Models are large, so each is kept only when it is used. */
async function fetchModel(request: Request, copy: Cache): Promise<Response> {
  const fetched = await fetch(request);
  if (fetched.ok && request.url.endsWith(".safetensors")) await copy.put(request, fetched.clone());
  return fetched;
}

/** With the policy, which workers take from their script's answer. */
async function answer(request: Request): Promise<Response> {
  const copy = await caches.open(NAME);
  const kept = await copy.match(request, { ignoreSearch: true });
  if (!kept) return fetchModel(request, copy);
  const headers = new Headers(kept.headers);
  headers.set("content-security-policy", POLICY);
  return new Response(kept.body, { status: kept.status, headers });
}

addEventListener("install", (event) => (event as Lifetime).waitUntil(keep()));
addEventListener("activate", (event) => (event as Lifetime).waitUntil(takeOver()));
addEventListener("fetch", (event) => {
  const fetched = event as Fetch;
  const { method, url } = fetched.request;
  if (method === "GET" && new URL(url).origin === location.origin) fetched.respondWith(answer(fetched.request));
});
