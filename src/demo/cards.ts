// The cards that a visitor chooses a preset with: each says what a training by it would take on this GPU.

import { about, byId } from "./dom.ts";
import { type Forecast, OFFERED, type OfferedPreset, type Refusal } from "./protocol.ts";

/** Above it a card can't be chosen: computers sleep, restart or update within a day, and the next smaller choice is done within hours. */
const MOST_SECONDS = 24 * 3600;

interface Card {
  readonly radio: HTMLInputElement;
  readonly facts: HTMLElement;
  /** Says that the visitor has changed what the card stands for. */
  readonly own: HTMLElement;
}

/** Why a card can't be chosen; null where it can. */
export function refusalOf(forecast: Forecast | Refusal): string | null {
  if ("reason" in forecast) return forecast.isTooHeavy ? sentence(forecast.reason) : null;
  const { preset, seconds } = forecast;
  if (preset === "auto" || seconds === null || seconds <= MOST_SECONDS) return null;
  return `Too slow here: it would take ${about(seconds)}.`;
}

/** What a card says, in one or two lines. */
export function factsOf(forecast: Forecast | Refusal): string {
  const refusal = refusalOf(forecast);
  if (refusal !== null) return refusal;
  if ("reason" in forecast) return sentence(forecast.reason);
  const { size, bytes, seconds } = forecast;
  return [
    `${size.width}×${size.height} px`,
    ...(seconds === null ? [] : [about(seconds)]),
    `${Math.ceil(bytes / 1e6).toLocaleString("en")} MB`,
  ].join(" · ");
}

const sentence = (reason: string): string =>
  `${reason.charAt(0).toUpperCase()}${reason.slice(1)}${/[.!?]$/.test(reason) ? "" : "."}`;

export class Cards {
  readonly #cards: ReadonlyMap<OfferedPreset, Card>;
  /** What each card says before anything is known of this GPU. */
  readonly #standard: ReadonlyMap<OfferedPreset, string>;
  readonly #hint = byId("forecast-hint", HTMLElement);
  readonly #refused = new Set<OfferedPreset>();

  constructor() {
    const cardOf = (preset: OfferedPreset): Card => ({
      radio: document.querySelector<HTMLInputElement>(`#cards [value=${preset}]`)!,
      facts: byId(`facts-${preset}`, HTMLElement),
      own: document.querySelector<HTMLElement>(`#cards [value=${preset}] ~ b i`)!,
    });
    this.#cards = new Map(OFFERED.map((preset) => [preset, cardOf(preset)]));
    this.#standard = new Map([...this.#cards].map(([preset, { facts }]) => [preset, facts.textContent]));
  }

  isRefused(preset: OfferedPreset): boolean {
    return this.#refused.has(preset);
  }

  /** Photo or settings are others: what was forecast holds no longer. */
  clear(): void {
    this.#refused.clear();
    for (const [preset, { radio, facts }] of this.#cards) {
      radio.disabled = false;
      facts.textContent = this.#standard.get(preset)!;
    }
    this.#hint.textContent = "";
  }

  /** Marks the card whose values the visitor has changed; null where there is none. */
  markOwn(changed: OfferedPreset | null): void {
    for (const [preset, { own }] of this.#cards) own.hidden = preset !== changed;
  }

  /** `isChanged`: the visitor has changed values, with which a card that is refused now may fit, once it is chosen. */
  show(forecast: Forecast | Refusal, isChanged: boolean): void {
    const { preset } = forecast;
    const { radio, facts } = this.#cards.get(preset)!;
    const refusal = refusalOf(forecast);
    facts.textContent = factsOf(forecast);
    if (refusal !== null) this.#refused.add(preset);
    // The card that is chosen stays so: Start is disabled in its place.
    radio.disabled = refusal !== null && !radio.checked && !isChanged;
    if (preset === OFFERED.at(-1) && !("seconds" in forecast && forecast.seconds === null)) this.#hint.textContent = "";
  }

  showTiming(share: number): void {
    this.#hint.textContent = `Timing this GPU, to tell how long each takes … ${Math.floor(100 * share)} %`;
  }

  /** The timing is over, or nobody waits for it. */
  endTiming(): void {
    this.#hint.textContent = "";
  }
}
