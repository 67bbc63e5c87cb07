// Parses the command line by a table of commands and flags, and makes the help texts and the suggestions for misspelt words. No side effects.
// Follows the conventions of clig.dev. Uses node:util parseArgs without its error messages, which name its internals.

import { parseArgs } from "node:util";
import type { Session } from "./session.ts";

/** Wrong usage, for which the program exits with code 2. The message is one line. */
export class UsageError extends Error {
  override name = "UsageError";
}

export interface Flag {
  readonly name: string;
  /** The name of the value in the help. A flag without it is a switch. */
  readonly value?: string | undefined;
  readonly help: string;
  /** The possible values, where their names are too long for `value`. */
  readonly choices?: readonly string[] | undefined;
}

/** Flags as the help shows them: "out DIR" takes a value, "json" is a switch. The help may be followed by the possible values. */
export type FlagHelp = Readonly<Record<string, string | readonly [help: string, choices: readonly string[]]>>;

export function flag(usage: string, help: string, choices?: readonly string[]): Flag {
  const [name, value] = usage.split(" ");
  return { name: name!, value, help, choices };
}
const flagsOf = (table: FlagHelp): Flag[] =>
  Object.entries(table).map(([usage, help]) => (typeof help === "string" ? flag(usage, help) : flag(usage, ...help)));

/** The names of values that are numbers. */
const NUMBERS = ["N", "F", "PX", "SHARE"];

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Names of the required arguments, such as PHOTO. A last name that ends with … stands for one or more. */
  readonly words: readonly string[];
  readonly flags: FlagHelp;
  /** Flags that set a training's options. */
  readonly options?: readonly Flag[];
  readonly details?: readonly string[];
  readonly examples: readonly (readonly [command: string, what: string])[];
  run(args: Args, session: Session): Promise<void>;
}

const COMMON_FLAGS = flagsOf({
  json: "print the result as one JSON object",
  debug: "show the stack trace of an error",
  help: "show this text (also -h)",
});
export const TOP_FLAGS = flagsOf({
  help: "show this text (also -h); singan COMMAND -h shows the help of a command",
  version: "show the version of this program (also singan version)",
});

/** The flags of a command, by title in the help. */
export const groupsOf = ({ flags, options = [] }: Command) =>
  Object.entries({ Flags: flagsOf(flags), Options: options, "Common flags": COMMON_FLAGS }).filter(
    ([, { length }]) => length > 0,
  );

/** The arguments and flags that the user has given, without defaults. */
export class Args {
  constructor(
    readonly words: readonly string[],
    private readonly values: ReadonlyMap<string, string | number | true>,
  ) {}

  has(name: string): boolean {
    return this.values.has(name);
  }
  text(name: string): string | undefined {
    const value = this.values.get(name);
    return typeof value === "string" ? value : undefined;
  }
  number(name: string): number | undefined {
    const value = this.values.get(name);
    return typeof value === "number" ? value : undefined;
  }
  get seed(): number {
    return this.whole("seed", 0, 0, 2 ** 32 - 1);
  }
  /** The flag's value, or `fallback` if it is not given. Throws UsageError if it is not a whole number from low to high. */
  whole(name: string, fallback: number, low: number, high: number): number {
    const value = this.number(name) ?? fallback;
    if (Number.isInteger(value) && value >= low && value <= high) return value;
    throw new UsageError(`--${name} must be a whole number from ${low} to ${high}, not ${value}`);
  }
}

type Call =
  | { readonly kind: "run"; readonly command: Command; readonly args: Args }
  | { readonly kind: "help"; readonly command: Command | null }
  | { readonly kind: "version" };

/** Parses a command line. Throws UsageError. */
export function parse(argv: readonly string[], commands: readonly Command[]): Call {
  const [first, ...rest] = argv;
  if (first === undefined) throw new UsageError("no command given; singan --help lists them");
  if (first === "-h" || first === "--help") return { kind: "help", command: null };
  if (first === "--version" || first === "version") return { kind: "version" };
  if (first === "help") return { kind: "help", command: rest[0] === undefined ? null : findCommand(rest[0], commands) };
  if (first.startsWith("-")) throw unknown("flag", first, TOP_FLAGS.map(dashed), "singan --help");
  return parseCommand(findCommand(first, commands), rest);
}

function findCommand(name: string, commands: readonly Command[]): Command {
  const names = commands.map((command) => command.name);
  const at = names.indexOf(name);
  if (at < 0) throw unknown("command", name, names, "singan --help");
  return commands[at]!;
}

function parseCommand(command: Command, argv: readonly string[]): Call {
  const flags = new Map(groupsOf(command).flatMap(([, group]) => group.map((f) => [f.name, f] as const)));
  const help = `singan ${command.name} -h`;
  const options = Object.fromEntries(
    [...flags].map(([name, f]) => [name, { type: f.value ? ("string" as const) : ("boolean" as const) }]),
  );
  const { tokens } = parseArgs({
    args: [...argv],
    options: { ...options, help: { type: "boolean", short: "h" } },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  // -h is the only flag with one dash; to parseArgs -dash.png would be nine flags, -h among them.
  for (const token of tokens) {
    const word = token.kind === "option" ? argv[token.index]! : "";
    if (/^-[^-]/.test(word) && word !== "-h") throw unknown("flag", word, [], help);
  }
  if (tokens.some((t) => t.kind === "option" && t.name === "help")) return { kind: "help", command };

  const words: string[] = [];
  const values = new Map<string, string | number | true>();
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const flag = flags.get(token.name);
    if (!flag) throw unknown("flag", token.rawName, [...flags.values()].map(dashed), help);
    values.set(flag.name, readValue(flag, token.value, token.inlineValue === true));
  }
  const missing = command.words[words.length];
  if (missing !== undefined)
    throw new UsageError(
      `${missing.replace("…", "")} is missing: singan ${command.name} ${command.words.join(" ")}; ${help} shows more`,
    );
  const isOpen = command.words.at(-1)?.endsWith("…");
  const extra = isOpen ? undefined : words[command.words.length];
  if (extra !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(extra)}; ${help} shows the usage`);
  return { kind: "run", command, args: new Args(words, values) };
}

function readValue(flag: Flag, text: string | undefined, isInline: boolean): string | number | true {
  if (!flag.value) {
    if (isInline) throw new UsageError(`--${flag.name} takes no value`);
    return true;
  }
  // A word with a leading dash is the next flag, unless it is a negative number.
  const isFlag = !isInline && text !== undefined && text.startsWith("-") && !Number.isFinite(Number(text));
  if (text === undefined || text === "" || isFlag)
    throw new UsageError(`--${flag.name} needs a value: --${flag.name} ${flag.value}`);
  if (!NUMBERS.includes(flag.value)) return text;
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number))
    throw new UsageError(`--${flag.name} needs a number, not ${JSON.stringify(text)}`);
  return number;
}

const dashed = (flag: Flag): string => `--${flag.name}`;

function unknown(what: string, given: string, known: readonly string[], help: string): UsageError {
  const near = closest(given, known);
  const hint = near ? `did you mean ${near}?` : `${help} lists all`;
  const file = what === "flag" && given.includes(".") ? `; a file of this name is given as ./${given}` : "";
  return new UsageError(`unknown ${what} ${JSON.stringify(given)}; ${hint}${file}`);
}

/** The known word that `given` is probably a misspelling of: the nearest one, if at most a third of the letters differ. */
export function closest(given: string, known: readonly string[]): string | undefined {
  const ranked = known.map((word) => ({ word, distance: editDistance(given, word) })).sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(1, Math.floor(given.replace(/^-+/, "").length / 3)) ? best.word : undefined;
}

/** The least number of insertions, deletions, replacements and swaps of neighbours that turn a into b.  Damerau 1964, restricted form. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let cost = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, rows[i - 2]![j - 2]! + 1);
      row.push(cost);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

export const EXIT_CODES = "Exit codes: 0 success, 1 error, 2 wrong usage, 129 hang-up, 130 interrupt, 143 termination.";

const columns = (rows: readonly (readonly [string, string])[]): string[] => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
};
const flagRow = (flag: Flag): [string, string] => [dashed(flag) + (flag.value ? ` ${flag.value}` : ""), flag.help];

/** The help text of the program (null) or of one command. */
export function helpText(command: Command | null, commands: readonly Command[]): string {
  if (!command) {
    const first = commands.flatMap((c) => c.examples.slice(0, 1));
    return [
      "singan: trains a generative model on one photo, with WebGPU, and makes new pictures with it.",
      "",
      "Usage: singan COMMAND …",
      "",
      ...columns(commands.map((c) => [[c.name, ...c.words].join(" "), c.summary])),
      "",
      "Flags",
      ...columns(TOP_FLAGS.map(flagRow)),
      "",
      "Examples",
      ...columns(first),
      "",
      "Results (paths, or one object with --json) go to stdout, everything else goes to stderr.",
      EXIT_CODES,
    ].join("\n");
  }
  return [
    `singan ${command.name}: ${command.summary}`,
    "",
    `Usage: singan ${[command.name, ...command.words].join(" ")} [flags]`,
    ...(command.details ?? []).flatMap((text) => ["", text]),
    ...groupsOf(command).flatMap(([title, flags]) => ["", title, ...columns(flags.map(flagRow))]),
    "",
    "Examples",
    ...columns(command.examples),
    "",
    EXIT_CODES,
  ].join("\n");
}
