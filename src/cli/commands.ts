// The program's commands, in the order of the help.

import type { Command } from "./args.ts";
import { animateCommand } from "./commands/animate.ts";
import { benchCommand } from "./commands/bench.ts";
import { completionCommand } from "./commands/completion.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { evalCommand } from "./commands/eval.ts";
import { infoCommand } from "./commands/info.ts";
import { editCommand, harmonizeCommand, paintCommand } from "./commands/inject.ts";
import { instantCommand } from "./commands/instant.ts";
import { sampleCommand } from "./commands/sample.ts";
import { srCommand } from "./commands/sr.ts";
import { trainCommand } from "./commands/train.ts";

const OTHERS: readonly Command[] = [
  trainCommand,
  instantCommand,
  sampleCommand,
  srCommand,
  paintCommand,
  editCommand,
  harmonizeCommand,
  animateCommand,
  evalCommand,
  infoCommand,
  doctorCommand,
  benchCommand,
];

export const COMMANDS: readonly Command[] = [...OTHERS, completionCommand(OTHERS)];
