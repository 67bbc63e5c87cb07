// The trained models that come with the page, in models/. They are loaded when they are needed.

/** Their names; the bundled photos of the same names are what they were trained on. The first visit opens the first one. */
export const SHIPPED = ["clouds", "tulips"] as const;

/** Written by build.mjs: the models that this page has, and how long their files are. */
const INDEX = "models/index.json";

/** Bytes of the files by name, of those that this page has; nothing where that can't be known. */
export async function shippedSizes(): Promise<ReadonlyMap<string, number>> {
  const found = await fetch(INDEX)
    .then((answer) => (answer.ok ? (answer.json() as Promise<Record<string, number>>) : {}))
    .catch((): Record<string, number> => ({}));
  return new Map(Object.entries(found).filter(([name]) => SHIPPED.some((one) => one === name)));
}

/** The file of a model; null where it can't be loaded. */
export async function loadShipped(name: string): Promise<Uint8Array<ArrayBuffer> | null> {
  if (!(await shippedSizes()).has(name)) return null;
  try {
    const answer = await fetch(`models/${name}.safetensors`);
    return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
  } catch {
    return null;
  }
}
