// The picture scales.png: for each scale of a model the photo, the reconstruction and a sample.

import type { Gpu } from "../gpu/device.ts";
import { labelledSheet } from "../image/labels.ts";
import { toRgb8 } from "../image/planes.ts";
import { encodePng } from "../image/png.ts";
import { type AnyModel, isConsingan, type Preview, photoAt } from "../singan/model/model.ts";
import { openSampler } from "../singan/recipes.ts";
import { sizeText } from "./report.ts";

/** Small pictures are enlarged, px. */
const CELL_WIDTH = 256;

/** Rows: scales, coarsest first. Columns: real, reconstruction, sample. Bytes of a PNG. */
export function scaleSheet(previews: readonly Preview[]): Uint8Array {
  const rows = previews.map(({ real, reconstruction, sample }, k) => [
    { picture: toRgb8(real), label: `scale ${k}, photo of ${sizeText(real)}` },
    { picture: toRgb8(reconstruction), label: "reconstruction" },
    { picture: toRgb8(sample), label: "sample" },
  ]);
  return encodePng(labelledSheet(rows, CELL_WIDTH));
}

/** The pictures of a trained model's scales; null for ConSinGAN, whose one generator has none of its earlier stages any more. */
export async function previewsOf(gpu: Gpu, model: AnyModel): Promise<Preview[] | null> {
  if (isConsingan(model)) return null;
  const previews: Preview[] = [];
  for (const k of model.scales.keys()) {
    const sampler = await openSampler(gpu, { ...model, scales: model.scales.slice(0, k + 1) });
    try {
      const sample = await sampler.sample({ seed: model.options.seed });
      previews.push({ real: photoAt(model, k), reconstruction: await sampler.reconstruction(), sample });
    } finally {
      await sampler.dispose();
    }
  }
  return previews;
}
