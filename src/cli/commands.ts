// The commands of the program, in the order of its help.

import type { Command } from "./args.ts";
import { animateCommand } from "./commands/animate.ts";
import { benchCommand } from "./commands/bench.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { infoCommand } from "./commands/info.ts";
import { sampleCommand } from "./commands/sample.ts";
import { srCommand } from "./commands/sr.ts";
import { trainCommand } from "./commands/train.ts";

export const COMMANDS: readonly Command[] = [
  trainCommand,
  sampleCommand,
  srCommand,
  animateCommand,
  infoCommand,
  doctorCommand,
  benchCommand,
];
