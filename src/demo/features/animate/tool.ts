// The tool Animate: plays a walk through pictures around the photo on the stage, while its frames are made, and writes it as GIF, APNG or WebM.

import { gifDelay } from "../../../image/gif-delay.ts";
import type { Rgb8 } from "../../../image/planes.ts";
import { ANIMATION } from "../../../singan/generation/applications/animation.ts";
import { byId, download } from "../../dom.ts";
import { makeFile } from "../../files.ts";
import { type ModelSource, type Place, SAMPLES_ONLY, type Tool } from "../feature.ts";
import { ProgressLine } from "../progress-line.ts";
import { sizeText } from "../sample/tool.ts";
import { isChecked, valuesOf } from "../values.ts";
import type { AnimateRequest } from "./messages.ts";
import { animationName, frameAfter, stepped } from "./playback.ts";
import { canRecord, recordWebm } from "./webm.ts";

/** Frames are made when no field has changed for so long. */
const SETTLE_MS = 250;
/** A loop needs some pull towards the photo. */
const LEAST_LOOP_ALPHA = "0.01";
const HELP = "Space plays or pauses. Arrow keys show the frame before or after, Home and End the first or the last.";

/** By the value of its button. */
const FORMATS = {
  gif: { label: "GIF", extension: "gif" },
  apng: { label: "APNG", extension: "png" },
  webm: { label: "WebM", extension: "webm" },
} as const;
type Format = keyof typeof FORMATS;

export const animateTool: Tool = {
  id: "animate",
  label: "Animate",
  icon: "M3 5h18v14H3zM7 5v14M17 5v14M10 9l5 3-5 3z",
  refusal: (source) => {
    if (source.kind === "photo")
      return "Animate needs a trained model: instant pictures are put together one by one, so they don't flow into each other.";
    return source.isSingan ? null : SAMPLES_ONLY;
  },
  settings: () => {
    const { value, max } = byId("animate-change", HTMLInputElement);
    const values = valuesOf({
      number: "animate-seed",
      ...(value !== max && { change: "animate-change" }), // a training's next scale has another maximum
      alpha: "animate-alpha",
      beta: "animate-beta",
      frames: "animate-frames",
      fps: "animate-fps",
    });
    return { ...values, ...(!isChecked("animate-loop") && { loop: "no" }) };
  },
  open: (place) => new Animate(place, place.source as ModelSource).end,
};

class Animate {
  readonly #form = byId("animate-form", HTMLFormElement);
  readonly #play = byId("animate-play", HTMLButtonElement);
  readonly #seed = byId("animate-seed", HTMLInputElement);
  readonly #change = byId("animate-change", HTMLInputElement);
  readonly #alpha = byId("animate-alpha", HTMLInputElement);
  readonly #beta = byId("animate-beta", HTMLInputElement);
  readonly #count = byId("animate-frames", HTMLInputElement);
  readonly #fps = byId("animate-fps", HTMLInputElement);
  readonly #loop = byId("animate-loop", HTMLInputElement);
  readonly #files = [...byId("animate-files", HTMLElement).querySelectorAll("button")];
  readonly #progress = new ProgressLine(byId("animate-progress", HTMLElement));
  readonly #detach: () => void;
  /** What the frames are of. */
  #request: AnimateRequest;
  #frames: Rgb8[] = [];
  /** The one on the stage. */
  #frame = 0;
  #isPlaying = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  #isMaking = false;
  #writing: AbortController | null = null;
  readonly #clicks = new AbortController();
  #settling: ReturnType<typeof setTimeout> | undefined;
  #ticking: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly place: Place,
    private readonly source: ModelSource,
  ) {
    this.#change.max = String(source.scales - 1);
    const { number = "0", change = this.#change.max, alpha, beta, frames, fps, loop } = place.settings;
    this.#seed.value = number;
    this.#change.value = change;
    this.#alpha.value = alpha ?? this.#alpha.value;
    this.#beta.value = beta ?? this.#beta.value;
    this.#count.value = frames ?? this.#count.value;
    this.#fps.value = fps ?? this.#fps.value;
    this.#loop.checked = loop !== "no";
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#makeIfValid();
    });
    for (const field of [this.#seed, this.#change, this.#alpha, this.#beta, this.#count, this.#loop]) {
      field.addEventListener("input", () => {
        this.#describe();
        clearTimeout(this.#settling);
        this.#settling = setTimeout(() => this.#form.checkValidity() && this.#make(), SETTLE_MS);
      });
    }
    for (const field of [this.#seed, this.#count, this.#fps]) field.addEventListener("change", () => field.reportValidity());
    byId("animate-next", HTMLButtonElement).addEventListener("click", () => {
      this.#seed.value = String((Number(this.#seed.value) + 1) % 2 ** 32);
      this.#makeIfValid();
    });
    this.#play.addEventListener("click", () => this.#setPlaying(!this.#isPlaying));
    for (const hidden of [this.#button("webm"), byId("animate-webm-hint", HTMLElement)]) hidden.hidden = !canRecord();
    for (const button of this.#files) button.addEventListener("click", () => void this.#write(button.value as Format));
    this.#detach = place.stage.attach(
      {
        key: ({ key }) => this.#onKey(key),
        show: (picture) => this.#onShow(picture),
      },
      HELP,
    );
    const onClick = (): void => this.#setPlaying(!this.#isPlaying); // a click, because a touch may scroll the page
    const { signal } = this.#clicks;
    byId("stage", HTMLElement).addEventListener("click", onClick, { signal });
    // The strip follows what plays, so who presses a frame there would miss it.
    byId("strip", HTMLElement).addEventListener("pointerdown", () => this.#setPlaying(false), { signal });
    this.#request = this.#wanted;
    this.#setPlaying(this.#isPlaying);
    this.#describe();
    this.#make();
  }

  readonly end = (): void => {
    clearTimeout(this.#settling);
    clearTimeout(this.#ticking);
    this.#writing?.abort();
    this.#clicks.abort();
    this.#detach();
  };

  #button(format: Format): HTMLButtonElement {
    return this.#files.find(({ value }) => value === format)!;
  }

  get #wanted(): AnimateRequest {
    return {
      frames: Number(this.#count.value),
      seed: Number(this.#seed.value),
      alpha: Number(this.#alpha.value),
      beta: Number(this.#beta.value),
      startScale: this.source.scales - 1 - Number(this.#change.value),
      loop: this.#loop.checked,
    };
  }

  #makeIfValid(): void {
    clearTimeout(this.#settling);
    if (this.#form.reportValidity()) this.#make();
  }

  /** Makes all frames anew. */
  #make(): void {
    const { strip, say } = this.place;
    const request = this.#wanted;
    const { frames: total } = request;
    this.#writing?.abort();
    this.#writing = null;
    this.#isMaking = true;
    this.#request = request;
    this.#frames = [];
    this.#frame = 0;
    this.#enableFiles();
    strip.expect(
      Array.from({ length: total }, (_, i) => `Frame ${i + 1}`),
      this.source.photo,
    );
    strip.choose(0);
    this.#progress.start("Making frames …", () => this.place.cancel("animate"));
    void this.place
      .run("animate", request, (reply) => this.#put(reply.frame, reply.picture))
      .then((isDone) => {
        if (this.#request !== request) return; // replaced by a newer one
        this.#isMaking = false;
        const made = this.#frames.length;
        this.#progress.end(
          isDone ? `${total} frames of ${sizeText(this.source.photo)}.` : `${made} of ${total} frames are made.`,
        );
        this.#enableFiles();
        if (isDone) say(`The animation of ${this.source.name} is ready: ${total} frames.`);
      });
  }

  #put(frame: number, picture: Rgb8): void {
    const { frames: total } = this.#request;
    this.#frames.push(picture);
    const digits = String(total).length;
    this.place.strip.put(frame, {
      picture,
      label: `Frame ${frame + 1}`,
      details: `Frame ${frame + 1} of ${total}, ${sizeText(picture)}.`,
      file: `${this.#name}-frame-${String(frame + 1).padStart(digits, "0")}.png`,
    });
    this.#progress.show(this.#frames.length / total, `${this.#frames.length} of ${total} frames`);
  }

  get #name(): string {
    return animationName(this.source.name, this.#request, { ...ANIMATION, loop: true });
  }

  // ---- playing

  #setPlaying(isPlaying: boolean): void {
    this.#isPlaying = isPlaying;
    this.#play.textContent = isPlaying ? "Pause" : "Play";
    clearTimeout(this.#ticking);
    if (isPlaying) this.#tick();
  }

  readonly #tick = (): void => {
    const made = this.#frames.length;
    const next = frameAfter(this.#frame, made, this.#isMaking ? this.#request.frames : made);
    if (next !== this.#frame) this.#showFrame(next);
    this.#ticking = setTimeout(this.#tick, 1000 / this.#rate);
  };

  /** Frames per second. */
  get #rate(): number {
    return this.#fps.validity.valid ? Number(this.#fps.value) : Number(this.#fps.defaultValue);
  }

  #showFrame(frame: number): void {
    this.#frame = frame;
    this.place.strip.choose(frame);
  }

  /** Another picture than the one that plays was chosen in the strip. */
  #onShow(picture: Rgb8): void {
    if (picture === this.#frames[this.#frame]) return;
    const chosen = this.#frames.indexOf(picture);
    if (chosen >= 0) this.#frame = chosen;
    this.#setPlaying(false);
  }

  #onKey(key: string): boolean {
    const made = this.#frames.length;
    const goals: Readonly<Record<string, number>> = {
      ArrowLeft: stepped(this.#frame, -1, made),
      ArrowRight: stepped(this.#frame, 1, made),
      Home: 0,
      End: made - 1,
    };
    const goal = goals[key];
    if (key === " ") this.#setPlaying(!this.#isPlaying);
    else if (goal === undefined || made === 0) return false;
    else {
      this.#setPlaying(false);
      this.#showFrame(goal);
    }
    return true;
  }

  // ---- files

  #enableFiles(): void {
    const isReady = !this.#isMaking && !this.#writing && this.#frames.length > 0;
    for (const button of this.#files) button.disabled = !isReady;
  }

  async #write(format: Format): Promise<void> {
    if (!this.#form.reportValidity()) return;
    const { label, extension } = FORMATS[format];
    const [frames, fps, name] = [this.#frames, this.#rate, `${this.#name}.${extension}`];
    const writing = new AbortController();
    const { signal } = writing;
    const show = (count: number): void =>
      this.#writing === writing
        ? this.#progress.show(count / frames.length, `Recording frame ${count} of ${frames.length}`)
        : undefined;
    this.#writing = writing;
    this.#enableFiles();
    this.#progress.start(`Writing the ${label} …`, () => writing.abort());
    let outcome = `No ${label} was written.`;
    try {
      const made = format === "webm" ? recordWebm(frames, fps, show, signal) : makeFile({ kind: format, frames, fps }, signal);
      const file = await made;
      if (file) {
        download(file, name);
        outcome = writtenText(format, fps);
        this.place.say(outcome);
      }
    } catch (error) {
      this.place.showError((error as Error).message);
    }
    if (this.#writing !== writing) return; // other frames are made meanwhile
    this.#writing = null;
    this.#progress.end(outcome);
    this.#enableFiles();
  }

  #describe(): void {
    const { startScale } = this.#wanted;
    const below = this.source.sizes[startScale - 1];
    byId("animate-change-hint", HTMLElement).textContent = below
      ? `What can be seen at ${sizeText(below)} stands still; finer things move.`
      : "Everything moves.";
    this.#alpha.min = this.#loop.checked ? LEAST_LOOP_ALPHA : "0";
  }
}

/** GIF counts hundredths of a second, so that it may play a little faster or slower. */
function writtenText(format: Format, fps: number): string {
  const shown = format === "gif" ? 100 / gifDelay(fps) : fps;
  const text = `The ${FORMATS[format].label} is written`;
  return shown === fps ? `${text}.` : `${text}, with ${Number(shown.toFixed(1))} frames per second: a GIF can't have ${fps}.`;
}
