// The photos of the results page, and the inputs that are made from each.

import type { Subject } from "./inputs.ts";

const SMALL = ["--iterations", "200", "--channels", "16", "--max-channels", "16", "--seed", "1"];

export const SUBJECTS: readonly Subject[] = [
  {
    photo: "clouds",
    training: ["--max-size", "64", ...SMALL],
    superResolution: ["--max-size", "80", ...SMALL],
    bands: [
      [0.85, [70, 95, 150]],
      [1, [140, 150, 165]],
    ],
    ellipses: [
      { at: [0.25, 0.4], radius: [0.18, 0.22], colour: [200, 203, 210] },
      { at: [0.72, 0.55], radius: [0.2, 0.2], colour: [200, 203, 210] },
    ],
    copy: { from: [0.03, 0.1], to: [0.6, 0.5], size: [0.28, 0.4] },
    paste: { photo: "citrus", from: [0.3, 0.5], to: [0.6, 0.5], radius: [0.1, 0.2] },
  },
  {
    photo: "meadow-trees",
    training: ["--max-size", "64", ...SMALL],
    bands: [
      [0.5, [120, 150, 185]],
      [0.62, [55, 60, 45]],
      [1, [140, 125, 80]],
    ],
    ellipses: [{ at: [0.3, 0.5], radius: [0.12, 0.16], colour: [55, 60, 45] }],
    copy: { from: [0.6, 0.35], to: [0.1, 0.35], size: [0.25, 0.25] },
    paste: { photo: "dandelions", from: [0.5, 0.6], to: [0.35, 0.7], radius: [0.12, 0.14] },
  },
  {
    photo: "tulips",
    training: ["--max-size", "48", ...SMALL],
    bands: [[1, [60, 95, 45]]],
    ellipses: [
      { at: [0.3, 0.35], radius: [0.16, 0.18], colour: [215, 110, 150] },
      { at: [0.7, 0.3], radius: [0.14, 0.16], colour: [215, 110, 150] },
      { at: [0.52, 0.7], radius: [0.18, 0.2], colour: [225, 130, 165] },
    ],
    copy: { from: [0.05, 0.05], to: [0.55, 0.5], size: [0.35, 0.35] },
    paste: { photo: "citrus", from: [0.3, 0.5], to: [0.5, 0.5], radius: [0.15, 0.15] },
  },
];
