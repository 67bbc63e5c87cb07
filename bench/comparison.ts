// Compares our kernels with other libraries on one adapter: checks that both compute the same numbers, then times them alternately.

import type { Bench } from "./bench.ts";
import { convFlops, convShapes, DIRECTIONS, describeScale, difference, type ScaleCase } from "./cases.ts";
import { Pace, quantile, summarize, type Timing, timeAlternately } from "./measure.ts";
import { dependencies } from "./peers/package.json";
import type { Measurement } from "./records.ts";
import { dStepFlops } from "./steps.ts";
import { convValues, ourConv, ourDStep, type Peer, type Subject, stepValues } from "./subjects.ts";

/**
 * Largest difference between a peer's numbers and ours, ‖a−b‖/‖b‖. Convolutions add up to 47,000 products in f32 in different orders, or
 * through Winograd's transforms. In the D step rounding also decides on which side of LeakyReLU's kink an activation lies, and this changes
 * the penalty's second derivatives.
 */
const TOLERANCE = { conv: 1e-4, dStep: 5e-3 };

/** The D step is compared at this scale, whose pictures are 66x49. */
export const STEP_SCALE = 3;

/** Name and version as bench/peers installs it. */
const nameOf = (peer: Peer): string =>
  `${peer.name} ${(dependencies as Record<string, string>)[peer.package] ?? "of unknown version"}`;

interface Pair {
  readonly timing: Timing;
  readonly ratio: NonNullable<Measurement["ratio"]>;
  readonly medianMs: number;
  readonly difference: number;
}

/** A peer is not timed where its numbers differ from ours. The message is one line. */
class Differs extends Error {
  override name = "Differs";
  constructor(
    readonly difference: number,
    tolerance: number,
  ) {
    super(`differs from ours by ${difference.toPrecision(3)}, more than ${tolerance}: not timed`);
  }
}

/** Returns the error where it is a Differs, else throws it. Other shapes are still compared: a library may be wrong at large ones only. */
function differs(error: unknown): Differs {
  if (error instanceof Differs) return error;
  throw error;
}

/** Reports each peer's times, or why there are none; where its numbers differ from ours, also by how much. */
export async function benchPeers({ effort, scales, report, gpu, peers }: Bench): Promise<void> {
  for (const peer of peers) {
    for (const direction of DIRECTIONS) {
      const pace = new Pace(effort);
      for (const scale of scales) {
        const values = convValues(convShapes(scale));
        const compared = await pace
          .attempt(convFlops(convShapes(scale)), () =>
            compare(
              () => ourConv(gpu, direction, values),
              () => peer.conv(direction, values),
              TOLERANCE.conv,
            ),
          )
          .catch(differs);
        tell(peer, direction, scale, convFlops(convShapes(scale)), compared);
      }
    }
    const scale = scales.find((s) => s.scale === STEP_SCALE);
    const dStep = peer.dStep?.bind(peer);
    if (!dStep || !scale) continue;
    const values = stepValues(scale);
    const compared = await new Pace(effort)
      .attempt(1, () =>
        compare(
          () => ourDStep(gpu, values),
          () => dStep(values),
          TOLERANCE.dStep,
        ),
      )
      .catch(differs);
    tell(peer, "dStep", scale, dStepFlops(scale), compared);
  }

  function tell(peer: Peer, what: Measurement["what"], scale: ScaleCase, flops: number, compared: Pair | string | Differs): void {
    const subject = { what, scale: scale.scale, shape: describeScale(scale), peer: nameOf(peer) };
    if (typeof compared === "string") report({ ...subject, skipped: compared });
    else if (compared instanceof Differs) report({ ...subject, skipped: compared.message, difference: compared.difference });
    else {
      const { timing, ratio, difference: apart } = compared;
      report({ ...subject, timing, gflops: flops / timing.medianMs / 1e6, ratio, difference: apart });
    }
  }

  async function compare(openOurs: () => Promise<Subject>, openTheirs: () => Subject, tolerance: number): Promise<Pair> {
    const ours = await openOurs();
    try {
      const theirs = openTheirs();
      try {
        await ours.run(1);
        await theirs.run(1);
        const apart = difference(await theirs.read(), await ours.read());
        if (!(apart <= tolerance)) throw new Differs(apart, tolerance);
        const { samples, runs } = await timeAlternately([ours.run, theirs.run], effort);
        const timing = summarize(samples[1]!, runs[1]!);
        const ratios = samples[1]!.map((ms, i) => ms / samples[0]![i]!);
        const at = (q: number) => quantile(ratios, q);
        return { timing, medianMs: timing.medianMs, ratio: { median: at(0.5), p25: at(0.25), p75: at(0.75) }, difference: apart };
      } finally {
        theirs.dispose();
      }
    } finally {
      ours.dispose();
    }
  }
}
