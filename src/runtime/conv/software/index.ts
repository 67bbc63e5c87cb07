// What software adapters need in addition: a chunk of its own, which a browser with a GPU does not load (../families.ts).

import { softwareKernels, softwareSources } from "../../../generated/software-kernels.ts";
import type { DeviceProfile } from "../../../gpu/profile.ts";
import { direct2d, staged2d } from "../blocks.ts";
import { type Family, isWide } from "../problem.ts";
import { weight2d } from "../weight.ts";
import { quadSwap } from "./quad-swap.ts";
import { subgroupBroadcast } from "./subgroup-broadcast.ts";
import { winograd4 } from "./winograd4.ts";

/**
 * By the width of the vectors, the most promising first. On llvmpipe loads from buffers are gathers; broadcasts, and loads of vec4s from
 * workgroup memory, cost next to nothing. On SwiftShader only swaps within a quad are that cheap.
 */
const WIDE: readonly Family[] = [winograd4, subgroupBroadcast, staged2d, direct2d, weight2d];
const NARROW: readonly Family[] = [winograd4, quadSwap, direct2d, subgroupBroadcast, weight2d];

export const softwareFamilies = (profile: DeviceProfile): readonly Family[] => (isWide(profile) ? WIDE : NARROW);

export const manifest = { kernels: softwareKernels, sources: softwareSources };
