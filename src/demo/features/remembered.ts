// The settings of each tool as the visitor has left them, until they would mean something else. Pure.

type Settings = Readonly<Record<string, string>>;

/** These speak of one photo or model: its pictures by number, its scales, a part of its photo, its colours and size. */
const OF_SOURCE: readonly string[] = ["number", "change", "keep", "kept", "ink", "brush"];

export class Remembered {
  /** By tool. */
  readonly #left = new Map<string, { readonly source: string; readonly settings: Settings }>();

  /** Takes note of a tool's settings; `source` is the id of what the tool works with. */
  keep(tool: string, source: string, settings: Settings): void {
    this.#left.set(tool, { source, settings });
  }

  /** The settings that a tool begins with: with another source, those that mean the same there. */
  of(tool: string, source: string): Settings {
    const left = this.#left.get(tool);
    if (!left) return {};
    if (left.source === source) return left.settings;
    return Object.fromEntries(Object.entries(left.settings).filter(([name]) => !OF_SOURCE.includes(name)));
  }
}
