// singan completion SHELL: prints the script that completes this program's commands, flags and values in a shell.

import { type Command, UsageError } from "../args.ts";
import { COMPLETIONS } from "../completion.ts";

/** The command, which completes the other commands and itself. */
export function completionCommand(others: readonly Command[]): Command {
  const shells = Object.keys(COMPLETIONS);
  const command: Command = {
    name: "completion",
    summary: "print the script that completes commands, flags and files in a shell",
    words: [shells.join("|")],
    details: [
      "Nothing is installed: the shell must be told to read the script. A new version of singan has a new script.",
      "It completes the command singan, which npm install --global singan-webgpu makes, and not npx singan.",
      "bash: add the line  source <(singan completion bash)  to ~/.bashrc.",
      "zsh: write the script to a file named _singan in a folder that fpath lists before compinit runs; or add the lines\n" +
        "autoload -U compinit && compinit  and  source <(singan completion zsh)  to ~/.zshrc.",
      "fish: write the script to ~/.config/fish/completions/singan.fish.",
    ],
    flags: {},
    examples: shells.map((shell) => [`singan completion ${shell}`, `prints the script for ${shell}`]),
    run: async (args, session) => {
      const [shell] = args.words as [string];
      const script = Object.hasOwn(COMPLETIONS, shell) ? COMPLETIONS[shell as keyof typeof COMPLETIONS] : null;
      if (!script) throw new UsageError(`the shell must be ${shells.slice(0, -1).join(", ")} or ${shells.at(-1)}, not ${shell}`);
      const text = script([...others, command]);
      session.result(args.has("json") ? JSON.stringify({ shell, script: text }) : text);
    },
  };
  return command;
}
