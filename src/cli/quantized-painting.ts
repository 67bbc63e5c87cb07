// A painting in the photo's main colours, made by a scale that is trained again for them; an interrupted retraining goes on.

import type { Planes } from "../image/planes.ts";
import { quantizedPath } from "../singan/generation/path.ts";
import { SinganSampler } from "../singan/generation/singan-sampler.ts";
import { type Model, photoAt } from "../singan/model/model.ts";
import { paletteOf, quantized } from "../singan/model/palette.ts";
import { PURPOSE, randomKey } from "../singan/networks/noise.ts";
import { retrainToEnd, writeModel } from "../singan/recipes.ts";
import type { TrainingGpu } from "./gpu.ts";
import { ShareDone } from "./progress.ts";
import { sha256Of, type TrainingRequest } from "./request.ts";
import type { Session } from "./session.ts";
import { asFlagError } from "./training-flags.ts";
import { type Resumption, Unfinished } from "./unfinished.ts";

export interface QuantizedPainting {
  readonly model: Model;
  readonly painting: Planes;
  readonly scale: number;
  readonly seed: number;
  /** What the progress says, in a few words. */
  readonly what: string;
  /** Where the retraining's state is kept. */
  readonly folder: string;
  readonly resumption: Resumption;
}

/** Returns the picture, and a function that removes the state, for when the picture is written. */
export async function paintQuantized(
  gpu: TrainingGpu,
  { model, painting, scale, seed, what, folder, resumption }: QuantizedPainting,
  session: Session,
): Promise<{ readonly picture: Planes; clear(): Promise<void> }> {
  const palette = paletteOf(photoAt(model, scale), randomKey(seed, PURPOSE.palette, scale));
  const request: TrainingRequest = {
    preset: "full",
    options: {},
    sha256: sha256Of(new TextEncoder().encode(`${sha256Of(writeModel(model))} ${scale} ${palette}`)),
  };
  const differs = (there: TrainingRequest) => (there.sha256 === request.sha256 ? null : "of another model or seed");
  const name = `checkpoint-scale${scale}`;
  const unfinished = await Unfinished.open<null>(session, folder, { request, differs, resumption, name });
  const { found } = unfinished;
  const { options, sizes, scaleFactor } = model;
  const pyramid = { sizes, scaleFactor, factors: [], scale1: 1, stopScale: sizes.length - 1 };
  await gpu.prepare({ options, pyramid }, found?.facts.kernels);
  try {
    const { iterations } = options;
    if (found) session.note(`goes on at iteration ${found.state.trainer?.iteration ?? 0} of ${iterations}`);
    else session.note(`trains scale ${scale} again for the painting's colours: ${iterations} iterations`);
    const progress = new ShareDone(session, what);
    const from = found ? { from: found.state } : {};
    const training = retrainToEnd(gpu.keeper, { model, scale, palette }, from as Parameters<typeof retrainToEnd>[2]);
    let step = await training.next();
    for (; !step.done; step = await training.next()) {
      const { value } = step;
      if (value.kind === "setback") session.note(`${value.message}: goes on from iteration ${value.iteration}`);
      else {
        if (value.kind === "progress") progress.show(value.iteration / iterations);
        if (value.state) await unfinished.keep(value.state, { plan: null, kernels: gpu.kernels }, value.kind === "scaleDone");
        await session.goOn();
      }
    }
    const retrained = step.value;
    const picture = await gpu.keeper.run(async (device) => {
      const sampler = await SinganSampler.load(device, retrained);
      try {
        return await sampler.render(quantizedPath(retrained, quantized(painting, palette), scale), { seed });
      } finally {
        await sampler.dispose();
      }
    });
    return { picture, clear: () => unfinished.clear() };
  } catch (error) {
    await unfinished.save();
    throw asFlagError(error);
  }
}
