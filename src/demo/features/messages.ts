// The messages between the features' tools in the page and their work in the workers.

import type { AnimateReply, AnimateRequest } from "./animate/messages.ts";
import type { BlendReply } from "./blend/messages.ts";
import type { EditRequest } from "./edit/messages.ts";
import type { EnlargeReply, EnlargeRequest } from "./enlarge/messages.ts";
import type { GrowReply, GrowRequest, JudgeReply, JudgeRequest } from "./explain/messages.ts";
import type { HarmonizeRequest } from "./harmonize/messages.ts";
import type { PaintReply, PaintRequest } from "./paint/messages.ts";
import type { SampleReply, SampleRequest } from "./sample/messages.ts";

interface Messages {
  paint: { readonly request: PaintRequest; readonly reply: PaintReply };
  animate: { readonly request: AnimateRequest; readonly reply: AnimateReply };
  enlarge: { readonly request: EnlargeRequest; readonly reply: EnlargeReply };
  sample: { readonly request: SampleRequest; readonly reply: SampleReply };
  edit: { readonly request: EditRequest; readonly reply: BlendReply };
  harmonize: { readonly request: HarmonizeRequest; readonly reply: BlendReply };
  judge: { readonly request: JudgeRequest; readonly reply: JudgeReply };
  grow: { readonly request: GrowRequest; readonly reply: GrowReply };
}

export type FeatureName = keyof Messages;
export type Request<K extends FeatureName> = Messages[K]["request"];
export type Reply<K extends FeatureName> = Messages[K]["reply"];

/** To a worker: a feature's work with the source of this id, or its end. */
export type JobMessage =
  | {
      [K in FeatureName]: {
        readonly kind: "run";
        readonly job: number;
        readonly source: string;
        readonly feature: K;
        readonly request: Request<K>;
      };
    }[FeatureName]
  | { readonly kind: "cancel"; readonly job: number };

/** From a worker. The last message of each job is `end`. */
export type JobReport =
  | { readonly kind: "reply"; readonly job: number; readonly reply: Reply<FeatureName> }
  /** `problem` says in one line what went wrong. */
  | { readonly kind: "end"; readonly job: number; readonly isDone: boolean; readonly problem?: string };
