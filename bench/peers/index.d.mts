// Types of index.mjs, which is JavaScript because the project is checked without these libraries installed.

import type { Peer } from "../subjects.ts";

export declare function openPeers(): Promise<Peer[]>;
