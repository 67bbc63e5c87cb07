// Shell completion and the manual page have every command and flag of the table, and a real bash completes with the script.

import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { Args, type Command, groupsOf, TOP_FLAGS, UsageError } from "../../src/cli/args.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { COMPLETIONS } from "../../src/cli/completion.ts";
import { manPage } from "../../src/cli/man-page.ts";
import { Session } from "../../src/cli/session.ts";

const flagsOf = (command: Command) => groupsOf(command).flatMap(([, flags]) => flags);
const NAMES = COMMANDS.map(({ name }) => name);

/** What bash offers for each command line, whose last word is completed; `files` or `folders` where it leaves that to readline. */
function inBash(lines: readonly (readonly string[])[]): string[][] {
  const script = `${COMPLETIONS.bash(COMMANDS)}
compopt() { COMPREPLY=("<$2>"); } # the real one works only while readline completes
${lines
  .map((words) => {
    const quoted = words.map((word) => `'${word}'`).join(" ");
    return `COMP_WORDS=(singan ${quoted}) COMP_CWORD=${words.length}; _singan; echo "\${COMPREPLY[*]}"`;
  })
  .join("\n")}
complete -p singan`;
  const { stdout, stderr } = spawnSync("bash", ["--norc"], { input: script, encoding: "utf8" });
  expect(stderr).toBe("");
  const out = stdout.trimEnd().split("\n");
  expect(out.pop()).toBe("complete -F _singan singan");
  return out.map((line) => line.split(" ").filter(Boolean));
}

describe("bash completes", () => {
  it("the commands, and every command's flags", () => {
    const [commands, top, ...flags] = inBash([[""], ["-"], ...NAMES.map((name) => [name, "--"])]);
    expect(commands).toEqual([...NAMES, "help", "version"]);
    expect(top).toEqual(TOP_FLAGS.map(({ name }) => `--${name}`));
    expect(flags).toEqual(COMMANDS.map((command) => flagsOf(command).map(({ name }) => `--${name}`)));
  });

  it("values by what they are", () => {
    expect(
      inBash([
        ["sample", "m", "--tile", ""],
        ["train", "--preset", "=", "b"],
        ["train", "--preset", "="],
        ["sample", "--start-scale", ""],
        ["train", "--out", ""],
        ["instant", "p.png", "--keep", ""],
        ["train", "--iterations", ""],
        ["completion", ""],
        ["help", "sam"],
      ]),
    ).toEqual([
      ["x", "y", "both"],
      ["balanced"],
      ["auto", "full", "paper", "balanced", "preview", "animation"],
      ["all"],
      ["<dirnames>"],
      ["<default>"],
      [],
      ["bash", "zsh", "fish"],
      ["sample"],
    ]);
  });

  it("files as arguments, and nothing where a command has no arguments", () => {
    const files = ["sample", "train", "paint", "eval"].map((name) => [name, ""]);
    expect(inBash([...files, ["doctor", ""]])).toEqual([...files.map(() => ["<default>"]), []]);
  });
});

it("a value with a name of which nothing is known is an error, so that nobody forgets it", () => {
  const command: Command = { ...COMMANDS[0]!, flags: { "colour HUE": "" } };
  for (const script of Object.values(COMPLETIONS)) expect(() => script([command])).toThrow(/HUE/);
});

it.each(COMMANDS)("zsh, fish and the manual page have every flag of $name", (command) => {
  const zsh = COMPLETIONS.zsh(COMMANDS).split(`\n    ${command.name})`)[1]!.split(";;")[0]!;
  const fish = COMPLETIONS.fish(COMMANDS).split("\n").join(" \n");
  const man = manPage(COMMANDS, "1.2.3");
  const section = man.split(`\n.SS "${[command.name, ...command.words].join(" ")}"`)[1]!.split(/\n\.S[SH] /)[0]!;
  const common = man.split("\nFlags of every command:\n")[1]!.split(/\n\.SH /)[0]!;
  for (const { name, value } of flagsOf(command)) {
    expect(zsh).toMatch(new RegExp(`'--${name}${value === undefined ? "" : "="}\\[`));
    expect(fish).toContain(`--condition '__singan_is ${command.name}' --long-option ${name} `);
    const head = `\\fB\\-\\-${name.replaceAll("-", "\\-")}\\fR${value === undefined ? "" : ` \\fI${value.replaceAll("-", "\\-")}\\fR`}`;
    expect(`${section}\n${common}`).toContain(`\n.TP\n${head}\n`);
  }
});

it("the manual page has no line that roff would take for something else", () => {
  const text = manPage([{ ...COMMANDS[0]!, details: [".begins with a dot\n'and a quote \\ and a backslash"] }], "1.2.3");
  const macros = text.split("\n").filter((line) => /^[.']/.test(line));
  expect(macros.filter((line) => !/^\.(TH|SH|SS|TP|PP|nh)( |$)/.test(line))).toEqual([]);
  expect(text).toContain("\\&.begins with a dot 'and a quote \\e and a backslash");
});

it("singan completion prints the script of a shell that it knows", async () => {
  const command = COMMANDS.find(({ name }) => name === "completion")!;
  let printed = "";
  const session = new Session({ write: (text: string) => (printed += text) }, { write: () => {} }, {});
  await command.run(new Args(["fish"], new Map()), session);
  expect(printed).toBe(`${COMPLETIONS.fish(COMMANDS)}\n`);
  for (const shell of ["tcsh", "toString"])
    await expect(command.run(new Args([shell], new Map()), session)).rejects.toThrow(UsageError);
});
