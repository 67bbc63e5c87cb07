// Runs in a page: the benchmark with other libraries. Bundling it needs them installed.

import { type PageArguments, type PageResults, benchInPage as run } from "./page.ts";
import { openPeers } from "./peers/index.mjs";

export const benchInPage = (args: PageArguments): Promise<PageResults> => run(args, openPeers);
