// The tools of the page, in their order.

import { animateTool } from "./animate/tool.ts";
import { enlargeTool } from "./enlarge/tool.ts";
import type { Tool } from "./feature.ts";
import { sampleTool } from "./sample/tool.ts";

export const TOOLS: readonly Tool[] = [sampleTool, enlargeTool, animateTool];
