// The tools of the page, in their order.

import type { Tool } from "./feature.ts";
import { paintTool } from "./paint/tool.ts";
import { sampleTool } from "./sample/tool.ts";

export const TOOLS: readonly Tool[] = [sampleTool, paintTool];
