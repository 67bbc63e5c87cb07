// The part of the page's address that belongs to Play: source, tool and its settings, as a link carries them. It never holds a picture.

/** What a link restores in Play. */
export interface PlayLink {
  /** A model that comes with the page, or a bundled photo for instant pictures. */
  readonly source?: { readonly kind: "model" | "photo"; readonly name: string };
  /** It was made with a photo or a model of the visitor's own, which no link can hold. */
  readonly isOfOwn?: true;
  readonly tool?: string;
  /** The tool's settings by name, as text. */
  readonly settings: Readonly<Record<string, string>>;
}

/** What a page knows by name. */
export interface Known {
  readonly models: readonly string[];
  readonly photos: readonly string[];
  readonly tools: readonly string[];
}

/** Names of the address. `photo` and `seed` are taken: they are those of a training (settings.ts). */
const SOURCES = { model: "model", photo: "instant" } as const;
const [TOOL, OWN] = ["tool", "own"];

const isWhole = (text: string, low: number, high: number): boolean =>
  /^\d{1,10}$/.test(text) && Number(text) >= low && Number(text) <= high;
/** With up to two digits behind the point. */
const isDecimal = (text: string, low: number, high: number): boolean =>
  /^\d(\.\d{1,2})?$/.test(text) && Number(text) >= low && Number(text) <= high;
const isSide = (text: string): boolean => isWhole(text, 25, 2048);
/** The settings that a link can hold, and which values they have. */
const SETTINGS: Readonly<Record<string, (text: string) => boolean>> = {
  number: (text) => isWhole(text, 0, 2 ** 32 - 1),
  change: (text) => isWhole(text, 0, 99),
  width: isSide,
  height: isSide,
  seamless: (text) => ["x", "y", "both"].includes(text),
  factor: (text) => isDecimal(text, 1.2, 8),
  details: (text) => text === "none",
  alpha: (text) => isDecimal(text, 0, 1),
  beta: (text) => isDecimal(text, 0, 1),
  frames: (text) => isWhole(text, 2, 300),
  fps: (text) => isWhole(text, 1, 50),
  loop: (text) => text === "no",
};

/** What an address says of Play; null where it says nothing. What the page does not know, and impossible values, are left out. */
export function readPlayLink(hash: string, known: Known): PlayLink | null {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const named = (name: string, all: readonly string[]): string | undefined => all.find((one) => one === given.get(name));
  const [model, photo, tool] = [named(SOURCES.model, known.models), named(SOURCES.photo, known.photos), named(TOOL, known.tools)];
  const settings = Object.entries(SETTINGS).flatMap(([name, isValid]) => {
    const text = given.get(name);
    return text !== null && isValid(text) ? [[name, text] as const] : [];
  });
  const isOfOwn = !model && !photo && given.has(OWN);
  if (!model && !photo && !isOfOwn && !tool && settings.length === 0) return null;
  const source = model ? { kind: "model" as const, name: model } : photo ? { kind: "photo" as const, name: photo } : null;
  return {
    ...(source && { source }),
    ...(isOfOwn && { isOfOwn }),
    ...(tool !== undefined && { tool }),
    settings: Object.fromEntries(settings),
  };
}

/** Of a tool's settings those that a link holds. */
export const heldByLink = (settings: PlayLink["settings"]): PlayLink["settings"] =>
  Object.fromEntries(Object.entries(settings).filter(([name, text]) => SETTINGS[name]?.(text)));

/** A link as part of an address; readPlayLink() reads it. */
export function writePlayLink({ source, isOfOwn, tool, settings }: PlayLink): string {
  return new URLSearchParams([
    ...(source ? [[SOURCES[source.kind], source.name]] : isOfOwn ? [[OWN, "yes"]] : []),
    ...(tool === undefined ? [] : [[TOOL, tool]]),
    ...Object.entries(heldByLink(settings)),
  ]).toString();
}
