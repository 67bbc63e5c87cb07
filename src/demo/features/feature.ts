// What a feature is: a tool in the page, and its work in a worker. Each has a folder here, a line in tools.ts and one in work.ts.

import type { Rgb8, Size } from "../../image/planes.ts";
import type { Stage } from "../stage.ts";
import type { Strip } from "../strip.ts";
import type { FeatureName, Reply, Request } from "./messages.ts";

/** A trained model, which the GPU's worker holds under its id. */
export interface ModelSource {
  readonly kind: "model";
  readonly id: string;
  readonly name: string;
  /** Of all scales; the first `scales` are trained. */
  readonly sizes: readonly Size[];
  readonly scales: number;
  /** The photo at the finest trained scale. */
  readonly photo: Rgb8;
  /** Whether it can be painted into, edited and animated: ConSinGAN can't. */
  readonly isSingan: boolean;
}

/** A photo without a model: its patches are rearranged at once. The worker for instant pictures holds it under its id. */
export interface PhotoSource {
  readonly kind: "photo";
  readonly id: string;
  readonly name: string;
  /** As large as instant pictures of it are. */
  readonly photo: Rgb8;
}

/** What pictures are made of. */
export type Source = ModelSource | PhotoSource;

/** Why ConSinGAN models have the tool Sample only. */
export const SAMPLES_ONLY =
  "This model only makes new pictures: it is a ConSinGAN, which makes all scales in one go, so nothing can be put in between.";

export interface Tool {
  /** A word for the address; also the name of its folder, which has its controls (panel.html). */
  readonly id: string;
  /** A word for the visitor. */
  readonly label: string;
  /** On wide screens the visitor's own picture stays on the stage, and the chosen one of the strip is shown beside it. */
  readonly isSplit?: boolean;
  /** The path of a symbol of 24x24 units, drawn with lines. */
  readonly icon: string;
  /** Why it can't work with a source, in one sentence, which is shown in the place of its controls; null where it can. */
  refusal(source: Source): string | null;
  /** Its settings as they are now, by name; absent where there are none. They stay while the source is open, and a link holds some of them. */
  settings?(): Readonly<Record<string, string>>;
  /** Whether the visitor has made something of the source that this tab alone has; absent where there is nothing to make. */
  hasWork?(source: Source): boolean;
  /** Connects its controls, which are in the document now. Returns what disconnects the tool from the stage and the strip. */
  open(place: Place): () => void;
}

/** Where a tool works. */
export interface Place {
  readonly source: Source;
  readonly stage: Stage;
  readonly strip: Strip;
  /** Whether the pictures of the strip are shown beside the stage now (see Tool.isSplit). */
  readonly isSplit: boolean;
  /** Settings that the tool begins with, by name: those of a link, or those that the visitor has left. They were valid with another source. */
  readonly settings: Readonly<Record<string, string>>;
  /**
   * Has work done by the worker that holds the source, and calls `onReply` with each reply. A newer run of the same feature replaces this
   * one. Resolves with whether the work was done to its end; an error is shown to the visitor and resolves with false.
   */
  run<K extends FeatureName>(feature: K, request: Request<K>, onReply: (reply: Reply<K>) => void): Promise<boolean>;
  /** Ends the run of a feature. */
  cancel(feature: FeatureName): void;
  /** Goes to the view Train, with the photo of the source where it is known. */
  train(wanted?: { readonly isForEnlarging: boolean }): void;
  /** Announces to screen readers. */
  say(text: string): void;
  /** Shows a visitor what went wrong, in one line. Null removes it. */
  showError(message: string | null): void;
}
