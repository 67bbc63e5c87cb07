// Which kernels compute a convolution: the families by kind of device, and the choice between their variants, untuned or tuned.

import { addKernels } from "../../gpu/pipelines.ts";
import type { DeviceProfile } from "../../gpu/profile.ts";
import { type Tuning, tuningKey } from "../tune.ts";
import { type OpCase, runsOn, type Variant } from "../variant.ts";
import { direct2d, padded2d, staged2d } from "./blocks.ts";
import { type Contraction, type ConvolutionVariant, contractionOf, type Family, problemOf } from "./problem.ts";
import { weight2d } from "./weight.ts";
import { winograd2d } from "./winograd.ts";

const HARDWARE: readonly Family[] = [direct2d, padded2d, staged2d, winograd2d, weight2d];
/** On hardware, the first of these with a suitable variant has the choice where nothing was timed. */
const HARDWARE_CHOICE: readonly Family[] = [padded2d, direct2d, weight2d];

/** Code that is loaded once, on demand; null before. */
let softwareFamilies: ((profile: DeviceProfile) => readonly Family[]) | null = null;

/** Loads what a device needs beyond the kernels of all devices. openDevice() does it. */
export async function loadKernels({ isSoftware }: Pick<DeviceProfile, "isSoftware">): Promise<void> {
  if (!isSoftware || softwareFamilies) return;
  const loaded = await import("./software/index.ts");
  addKernels(loaded.manifest);
  softwareFamilies = loaded.softwareFamilies;
}

/** On software adapters the most promising family comes first. Throws where the families of such adapters are not loaded. */
function familiesFor(profile: DeviceProfile): readonly Family[] {
  if (!profile.isSoftware) return HARDWARE;
  if (!softwareFamilies) throw new Error("the kernels of software adapters are not loaded: open the adapter with openDevice()");
  return softwareFamilies(profile);
}

/** All variants of an op that a kind of device may use; none for ops that are no convolutions. */
export function convolutionVariants(opName: string, profile: DeviceProfile): readonly ConvolutionVariant[] {
  const contraction = contractionOf(opName);
  return contraction ? familiesFor(profile).flatMap(({ variants }) => variants[contraction] ?? []) : [];
}

/** Of the largest buffer beyond inputs and result. */
const MAX_SCRATCH_BYTES = 2 ** 27;

/** A variant's name among those of all contractions. */
export const faultName = (opName: string, { name }: Variant): string => `${contractionOf(opName)} by ${name}`;

/** Whether a device has the subgroups that a variant needs and computes right, and the variant's scratch buffers are not too large. */
const canRun = (opName: string, variant: Variant, op: OpCase, profile: DeviceProfile): boolean =>
  runsOn(variant, profile) &&
  !profile.faults?.has(faultName(opName, variant)) &&
  variant
    .calls(op)
    .every(({ bindings }) => Object.values(bindings).every((r) => r.kind !== "scratch" || r.bytes <= MAX_SCRATCH_BYTES));

function suited(family: Family, contraction: Contraction, op: OpCase, profile: DeviceProfile): readonly ConvolutionVariant[] {
  const problem = problemOf(contraction, op);
  const fitting = (family.variants[contraction] ?? []).filter(
    (v) => v.suits(profile, problem) && canRun(contraction, v, op, profile),
  );
  return family.order?.(fitting, problem) ?? fitting;
}

/**
 * The variants worth a try, the one to use without timing first. On software adapters they are few: there compiling takes longer than
 * running. None for ops that are no convolutions, and where all that suit compute wrong results.
 */
export function convolutionCandidates(opName: string, op: OpCase, profile: DeviceProfile): readonly Variant[] {
  const contraction = contractionOf(opName);
  if (!contraction) return [];
  const all = familiesFor(profile).flatMap((family) => suited(family, contraction, op, profile));
  if (profile.isSoftware) return all;
  const problem = problemOf(contraction, op);
  const choices = HARDWARE_CHOICE.map((family) => family.best?.(suited(family, contraction, op, profile), problem));
  const first = choices.find((choice) => choice !== undefined) ?? all[0];
  return first === undefined ? [] : [first, ...all.filter((v) => v !== first)];
}

/** The variant that the tuner has found fastest; where nothing was timed, the first candidate. */
export function chooseConvolution(opName: string, op: OpCase, profile: DeviceProfile, tuning: Tuning): Variant {
  const tuned = tuning.get(tuningKey(opName, op) ?? "")?.variant;
  const known = tuned && convolutionVariants(opName, profile).find((v) => v.name === tuned && canRun(opName, v, op, profile));
  return known || convolutionCandidates(opName, op, profile)[0]!;
}
