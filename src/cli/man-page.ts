// The manual page singan(1), made from the table of commands, in the macros of man(7). No side effects.

import { type Command, EXIT_CODES, type Flag, groupsOf, TOP_FLAGS } from "./args.ts";

/** Text as roff shows it: a backslash and a dot or quote at the start of a line have a meaning there, and so has a single dash. */
const text = (words: string): string =>
  words
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^(?=[.'])/gm, "\\&");
/** An argument of a macro. */
const argument = (words: string): string => `"${text(words).replaceAll('"', '""')}"`;
const flowing = (words: string): string => text(words.replace(/\s*\n\s*/g, " ").trim());

const entry = (head: string, body: string): string[] => [".TP", head, flowing(body)];
const flagEntry = ({ name, value, help }: Flag): string[] =>
  entry(`\\fB${text(`--${name}`)}\\fR${value === undefined ? "" : ` \\fI${text(value)}\\fR`}`, help);

function commandLines(command: Command): string[] {
  const { name, words, summary, details = [], examples } = command;
  return [
    `.SS ${argument([name, ...words].join(" "))}`,
    flowing(`${summary[0]!.toUpperCase()}${summary.slice(1)}.`),
    ...details.flatMap((paragraph) => [".PP", flowing(paragraph)]),
    ...groupsOf(command)
      .filter(([title]) => title !== "Common flags")
      .flatMap(([title, flags]) => [".PP", `${text(title)}:`, ...flags.flatMap(flagEntry)]),
    ".PP",
    "Examples:",
    ...examples.flatMap(([line, what]) => entry(`\\fB${text(line)}\\fR`, what)),
  ];
}

/** The page for a version of the program. */
export function manPage(commands: readonly Command[], version: string): string {
  const common = groupsOf(commands[0]!).find(([title]) => title === "Common flags")![1];
  return [
    `.TH SINGAN 1 "" ${argument(`singan-webgpu ${version}`)}`,
    ".nh", // A name of a file that is split by a hyphen can't be copied.
    ".SH NAME",
    "singan \\- train a generative model on one photo, with WebGPU, and make new pictures with it",
    ".SH SYNOPSIS",
    "\\fBsingan\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR ...] [\\fIFLAG\\fR ...]",
    ".SH DESCRIPTION",
    flowing(
      "Results (paths, or one object with --json) go to standard output, everything else goes to standard error. " +
        "singan COMMAND -h shows the help of a command.",
    ),
    ".SH FLAGS",
    ...TOP_FLAGS.flatMap(flagEntry),
    ".PP",
    "Flags of every command:",
    ...common.flatMap(flagEntry),
    ".SH COMMANDS",
    ...commands.flatMap(commandLines),
    ".SH EXIT STATUS",
    flowing(EXIT_CODES.replace(/^Exit codes: /, "")),
    "",
  ].join("\n");
}
