// Draws the loss curves on a canvas: the adversarial losses on a linear axis, and below them the positive losses on a logarithmic axis.

import type { LossRecord } from "../singan/model/model.ts";

export const SERIES = [
  { key: "dReal", label: "D real", colour: "--d-real" },
  { key: "dFake", label: "D fake", colour: "--d-fake" },
  { key: "gAdversarial", label: "G adversarial", colour: "--g-adv" },
  { key: "gradientPenalty", label: "Gradient penalty", colour: "--gp" },
  { key: "reconstruction", label: "Reconstruction", colour: "--rec" },
] as const satisfies readonly { key: keyof LossRecord; label: string; colour: string }[];

type Series = (typeof SERIES)[number];
interface Point {
  readonly x: number;
  readonly losses: LossRecord;
}
interface Panel {
  readonly series: readonly Series[];
  readonly isLogarithmic: boolean;
  readonly top: number;
  readonly bottom: number;
}

/** If there are more points, neighbours are merged in pairs. */
const MAX_POINTS = 1000;
/** The vertical axis leaves out this share of the values at either end, which are outliers. */
const TAIL = 0.01;
const SMALLEST = 1e-6;
const MARGIN = { left: 46, right: 8, top: 18, bottom: 6, between: 20 };
const FONT_PX = 11;

export class Chart {
  #points: Point[] = [];
  #marks: number[] = [];
  #iterations = 1;
  #frame = 0;
  readonly #context: CanvasRenderingContext2D;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.#context = canvas.getContext("2d")!;
    new ResizeObserver(() => this.#redraw()).observe(canvas);
    canvas.addEventListener("contextrestored", () => this.#redraw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#redraw());
  }

  clear(iterationsPerScale: number): void {
    this.#points = [];
    this.#marks = [];
    this.#iterations = iterationsPerScale;
    this.#redraw();
  }

  /** Adds the losses after an iteration of a scale. */
  add(scale: number, iteration: number, losses: LossRecord): void {
    this.#marks[scale] = scale * this.#iterations;
    this.#points.push({ x: scale * this.#iterations + iteration, losses });
    if (this.#points.length > MAX_POINTS) this.#points = mergePairs(this.#points);
    this.#redraw();
  }

  /** Draws the chart in the next frame, once however often it is called until then. */
  #redraw(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw(): void {
    const { canvas } = this;
    const c = this.#context;
    const { clientWidth: width, clientHeight: height } = canvas;
    const ratio = devicePixelRatio;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    c.scale(ratio, ratio);
    if (this.#points.length === 0) return;
    const middle = MARGIN.top + (height - MARGIN.top - MARGIN.bottom - MARGIN.between) * 0.55;
    const extent = Math.ceil(this.#points.at(-1)!.x / this.#iterations) * this.#iterations;
    const toX = (x: number): number => MARGIN.left + (x / extent) * (width - MARGIN.left - MARGIN.right);
    this.#drawMarks(toX, height);
    const panels: Panel[] = [
      { series: SERIES.slice(0, 3), isLogarithmic: false, top: MARGIN.top, bottom: middle },
      { series: SERIES.slice(3), isLogarithmic: true, top: middle + MARGIN.between, bottom: height - MARGIN.bottom },
    ];
    for (const panel of panels) this.#drawPanel(panel, toX, width);
  }

  #colour(variable: string): string {
    return getComputedStyle(this.canvas).getPropertyValue(variable);
  }

  #drawLine(from: readonly [number, number], to: readonly [number, number]): void {
    const c = this.#context;
    c.strokeStyle = this.#colour("--line");
    c.beginPath();
    c.moveTo(...from);
    c.lineTo(...to);
    c.stroke();
  }

  #drawMarks(toX: (x: number) => number, height: number): void {
    const c = this.#context;
    c.font = `${FONT_PX}px system-ui, sans-serif`;
    c.textAlign = "left";
    c.textBaseline = "alphabetic";
    this.#marks.forEach((at, scale) => {
      const x = Math.round(toX(at)) + 0.5;
      this.#drawLine([x, MARGIN.top - 12], [x, height - MARGIN.bottom]);
      c.fillStyle = this.#colour("--muted");
      const room = toX(at + this.#iterations) - x;
      c.fillText(room > 50 ? `scale ${scale + 1}` : `${scale + 1}`, x + 4, MARGIN.top - 6);
    });
  }

  #drawPanel({ series, isLogarithmic, top, bottom }: Panel, toX: (x: number) => number, width: number): void {
    const c = this.#context;
    const scaled = (v: number): number => (isLogarithmic ? Math.log10(Math.max(v, SMALLEST)) : v);
    const [low, high] = range(this.#points.flatMap(({ losses }) => series.map(({ key }) => scaled(losses[key]))));
    const toY = (v: number): number => bottom - ((v - low) / (high - low)) * (bottom - top);
    c.textAlign = "right";
    c.textBaseline = "middle";
    for (const value of isLogarithmic ? decades(low, high) : ticks(low, high)) {
      const y = Math.round(toY(value)) + 0.5;
      this.#drawLine([MARGIN.left, y], [width - MARGIN.right, y]);
      c.fillStyle = this.#colour("--muted");
      c.fillText(Number((isLogarithmic ? 10 ** value : value).toPrecision(2)).toString(), MARGIN.left - 6, y);
    }
    c.save();
    c.beginPath();
    c.rect(MARGIN.left, top - 2, width - MARGIN.left - MARGIN.right, bottom - top + 4);
    c.clip();
    c.lineWidth = 1.5;
    c.lineJoin = "round";
    for (const { key, colour } of series) {
      c.strokeStyle = this.#colour(colour);
      c.beginPath();
      for (const { x, losses } of this.#points) c.lineTo(toX(x), toY(scaled(losses[key])));
      c.stroke();
    }
    c.restore();
  }
}

function mergePairs(points: readonly Point[]): Point[] {
  const merged: Point[] = [];
  for (let i = 0; i < points.length; i += 2) {
    const [a, b = a] = [points[i]!, points[i + 1]];
    const entries = SERIES.map(({ key }) => [key, (a.losses[key] + b.losses[key]) / 2] as const);
    merged.push({ x: b.x, losses: Object.fromEntries(entries) as unknown as LossRecord });
  }
  return merged;
}

/** A non-empty interval with nearly all values, and a margin. */
function range(values: readonly number[]): [low: number, high: number] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const [low, high] = [at(TAIL), at(1 - TAIL)];
  const room = 0.06 * (high - low) || 0.5;
  return [low - room, high + room];
}

/** Three to six round values from low to high. */
function ticks(low: number, high: number): number[] {
  const raw = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= raw)!;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

/** The logarithms of round values between 10^low and 10^high, with fewer per decade if the range is wide. */
function decades(low: number, high: number): number[] {
  const inDecade = high - low > 3 ? [1] : high - low > 1.2 ? [1, 3] : [1, 2, 5];
  const first = Math.floor(low);
  return Array.from({ length: Math.ceil(high) - first + 1 }, (_, i) => first + i)
    .flatMap((decade) => inDecade.map((m) => decade + Math.log10(m)))
    .filter((value) => value > low && value < high);
}
