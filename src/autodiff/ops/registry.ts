// Every op, by name: what the generic tests and the kernel table walk over.

import type { Op } from "../tensor.ts";
import * as batch from "./batch.ts";
import * as channel from "./channel.ts";
import * as conv from "./conv.ts";
import * as elementwise from "./elementwise.ts";
import * as fused from "./fused.ts";
import * as quantize from "./quantize.ts";
import * as random from "./random.ts";
import * as reduce from "./reduce.ts";
import * as spatial from "./spatial.ts";

const exported = { ...batch, ...channel, ...conv, ...elementwise, ...fused, ...quantize, ...random, ...reduce, ...spatial };
type Exported = typeof exported;

/** The attributes of each op, by its name: `addOp` is named "add". */
export type OpAttrs = {
  readonly [Key in keyof Exported as Key extends `${infer Name}Op` ? Name : never]: Exported[Key] extends Op<infer A> ? A : never;
};

const isOp = (value: unknown): value is Op => typeof value === "object" && value !== null && "vjp" in value;

export const registry: ReadonlyMap<string, Op> = new Map(
  Object.values<unknown>(exported)
    .filter(isOp)
    .map((op) => [op.name, op]),
);
