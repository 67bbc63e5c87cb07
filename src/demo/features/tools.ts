// The tools of the page, in their order.

import { animateTool } from "./animate/tool.ts";
import { editTool } from "./edit/tool.ts";
import { enlargeTool } from "./enlarge/tool.ts";
import type { Tool } from "./feature.ts";
import { harmonizeTool } from "./harmonize/tool.ts";
import { paintTool } from "./paint/tool.ts";
import { sampleTool } from "./sample/tool.ts";

export const TOOLS: readonly Tool[] = [sampleTool, paintTool, editTool, harmonizeTool, enlargeTool, animateTool];
