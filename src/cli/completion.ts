// Scripts that complete the command line in bash, zsh and fish, made from the table of commands. No side effects.

import { type Command, type Flag, groupsOf, TOP_FLAGS } from "./args.ts";

/** Names of values and arguments that are files or folders. Lower-case names stand for themselves, and other names for anything else. */
const FILES = ["FILE", "PHOTO", "PICTURE", "MASK", "MODEL", "PAINTING", "EDITED", "COMPOSITE"];
const FOLDERS = ["DIR"];
/** Names of values that can't be completed. */
export const FREE = ["N", "F", "PX", "SHARE", "WxH", "FxF", "N-M"];

/** What can stand in one place of a command line. */
interface Offer {
  readonly words: readonly string[];
  readonly paths: "files" | "folders" | null;
}

/** Of a value's name, such as DIR or x|y|both. Throws for a name that is in none of the lists above. */
function offerOf(name: string, choices: readonly string[] = []): Offer {
  const names = name.replace("…", "").split("|");
  const words = names.filter((one) => /^[a-z]/.test(one));
  const others = names.filter((one) => !words.includes(one));
  const strange = others.find((one) => ![...FILES, ...FOLDERS, ...FREE].includes(one));
  if (strange !== undefined && choices.length === 0) throw new Error(`it is not known how ${strange} is completed`);
  const paths = others.some((one) => FILES.includes(one))
    ? "files"
    : others.some((one) => FOLDERS.includes(one))
      ? "folders"
      : null;
  return { words: [...words, ...choices], paths };
}

const flagsOf = (command: Command): Flag[] => groupsOf(command).flatMap(([, flags]) => flags);
const dashed = ({ name }: Flag): string => `--${name}`;
/** What can stand in the place of a command. */
const TOP_WORDS = [
  ["help", "show the help of a command"],
  ["version", "show the version of this program"],
] as const;
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** For bash 3.2 and later; up to 4 it completes no files, because it lacks compopt. */
function bash(commands: readonly Command[]): string {
  const line = ({ words, paths }: Offer): string =>
    [...(words.length > 0 ? [`words="${words.join(" ")}"`] : []), ...(paths ? [`paths=${paths}`] : [])].join(" ");
  const caseOf = (command: Command): string => {
    const values = flagsOf(command).filter(({ value }) => value !== undefined);
    const arms = values.map((flag) => [dashed(flag), line(offerOf(flag.value!, flag.choices))] as const);
    const offers = [...new Set(arms.map(([, offer]) => offer))];
    return [
      `    ${command.name})`,
      "      case $prev in",
      ...offers.map((offer) => {
        const names = arms.filter(([, other]) => other === offer).map(([name]) => name);
        return `        ${names.join(" | ")}) ${offer || ":"} ;;`;
      }),
      `        *) flags="${flagsOf(command).map(dashed).join(" ")}" ${line(mergedOffer(command))} ;;`,
      "      esac ;;",
    ].join("\n");
  };
  const names = commands.map(({ name }) => name);
  const top = [...names, ...TOP_WORDS.map(([word]) => word)];
  return `# Completes the command line of singan in bash. Made by: singan completion bash
_singan() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command=\${COMP_WORDS[1]} words= flags= paths=
  # bash makes three words of --flag=value.
  if [ "$cur" = = ]; then
    cur=
  elif [ "$prev" = = ]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  [ "$COMP_CWORD" = 1 ] && command=
  case $command in
    "") words="${top.join(" ")}" flags="${TOP_FLAGS.map(dashed).join(" ")}" ;;
    help) words="${names.join(" ")}" ;;
${commands.map(caseOf).join("\n")}
  esac
  [ "\${cur:0:1}" = - ] && words=$flags
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [ "\${#COMPREPLY[@]}" = 0 ]; then
    case $paths in
      files) compopt -o default 2>/dev/null ;;
      folders) compopt -o dirnames 2>/dev/null ;;
    esac
  fi
}
complete -F _singan singan`;
}

/** What can stand in place of a command's arguments, all together. */
function mergedOffer({ words }: Command): Offer {
  const offers = words.map((word) => offerOf(word));
  return { words: offers.flatMap((offer) => offer.words), paths: offers.find(({ paths }) => paths)?.paths ?? null };
}

/** For the function system of zsh: as a file _singan in a folder of fpath, or by source. */
function zsh(commands: readonly Command[]): string {
  const action = ({ words, paths }: Offer): string =>
    words.length > 0 ? `(${words.join(" ")})` : paths === "files" ? "_files" : paths === "folders" ? "_files -/" : " ";
  const escaped = (text: string): string => text.replace(/[[\]:\\]/g, "\\$&");
  const flagSpec = (flag: Flag): string => {
    const { name, value, help, choices } = flag;
    const offer = value === undefined ? "" : `:${escaped(value)}:${action(offerOf(value, choices))}`;
    return quoted(`--${name}${value === undefined ? "" : "="}[${escaped(help)}]${offer}`);
  };
  const caseOf = (command: Command): string => {
    const words = command.words.map((word, i) =>
      quoted(`${word.endsWith("…") ? "*" : i + 1}:${escaped(word)}:${action(offerOf(word))}`),
    );
    return `    ${command.name})\n      _arguments \\\n        ${[...flagsOf(command).map(flagSpec), ...words].join(" \\\n        ")} ;;`;
  };
  const described = (rows: readonly (readonly [string, string])[]): string =>
    rows.map(([word, what]) => `      ${quoted(`${word.replaceAll(":", "\\:")}:${what}`)}`).join("\n");
  const named = commands.map(({ name, summary }) => [name, summary] as const);
  return `#compdef singan
# Completes the command line of singan in zsh. Made by: singan completion zsh
_singan() {
  if (( CURRENT == 2 )); then
    local -a commands=(
${described([...named, ...TOP_WORDS, ...TOP_FLAGS.map((flag) => [dashed(flag), flag.help] as const)])}
    )
    _describe command commands
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
    help)
      _arguments '1:COMMAND:(${commands.map(({ name }) => name).join(" ")})' ;;
${commands.map(caseOf).join("\n")}
  esac
}
if [ "$funcstack[1]" = _singan ]; then
  _singan "$@"
else
  compdef _singan singan
fi`;
}

/** For fish: as a file singan.fish in its folder of completions. */
function fish(commands: readonly Command[]): string {
  const quotedFish = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;
  const offered = ({ words, paths }: Offer): string[] => [
    ...(paths === "files" ? ["--force-files"] : ["--no-files"]),
    ...(paths === "folders" ? ["--arguments '(__fish_complete_directories)'"] : []),
    ...(words.length > 0 ? [`--arguments ${quotedFish(words.join(" "))}`] : []),
  ];
  const line = (...parts: readonly string[]): string => ["complete --command singan", ...parts].join(" ");
  const atFirst = "--condition __singan_is_first";
  const linesOf = (command: Command): string[] => {
    const here = `--condition '__singan_is ${command.name}'`;
    return [
      line(here, ...offered(mergedOffer(command))),
      ...flagsOf(command).map((flag) => {
        const value = flag.value === undefined ? [] : ["--require-parameter", ...offered(offerOf(flag.value, flag.choices))];
        return line(here, `--long-option ${flag.name}`, ...value, `--description ${quotedFish(flag.help)}`);
      }),
    ];
  };
  const top = [...commands.map(({ name, summary }) => [name, summary] as const), ...TOP_WORDS];
  return [
    "# Completes the command line of singan in fish. Made by: singan completion fish",
    "function __singan_is_first; test (count (commandline --tokenize --cut-at-cursor --current-process)) = 1; end",
    'function __singan_is; set -l words (commandline --tokenize --cut-at-cursor --current-process); test "$words[2]" = $argv[1]; end',
    ...top.map(([word, what]) => line(atFirst, "--no-files", `--arguments ${word}`, `--description ${quotedFish(what)}`)),
    ...TOP_FLAGS.map((flag) => line(atFirst, `--long-option ${flag.name}`, `--description ${quotedFish(flag.help)}`)),
    line("--condition '__singan_is help'", "--no-files", `--arguments ${quotedFish(commands.map(({ name }) => name).join(" "))}`),
    ...commands.flatMap(linesOf),
  ].join("\n");
}

/** The script for each shell that is known. */
export const COMPLETIONS: Readonly<Record<"bash" | "zsh" | "fish", (commands: readonly Command[]) => string>> = {
  bash,
  zsh,
  fish,
};
