/**
 * A worker that runs the module at `url`, under the policy of the page. A worker takes its policy from the headers of its script, and a static host
 * sends none; a script in memory has that of the page which made it.
 */
export function openWorker(url: URL): Worker {
  const script = URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" }));
  return new Worker(script, { type: "module" });
}
