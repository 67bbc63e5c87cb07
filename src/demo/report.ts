// The report that a visitor can copy where something has gone wrong: plain text, without a picture.

/** What the worker knows of the GPU. */
export interface GpuDetails {
  /** Vendor, architecture, device and description, as far as the browser tells. */
  readonly info: Readonly<Record<string, string>>;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

export interface Situation {
  readonly version: string;
  readonly userAgent: string;
  readonly hasWebGpu: boolean;
  /** Null where none was opened. */
  readonly gpu: GpuDetails | null;
  /** The last ones, the oldest first. */
  readonly messages: readonly string[];
  /** The settings of the page, by name. */
  readonly settings: Readonly<Record<string, string>>;
}

const lines = (values: Readonly<Record<string, string | number>>): string[] =>
  Object.entries(values).map(([name, value]) => `  ${name}: ${value}`);

export function reportText({ version, userAgent, hasWebGpu, gpu, messages, settings }: Situation): string {
  const adapter = gpu
    ? ["GPU:", ...lines(gpu.info), `  features: ${gpu.features.join(", ") || "none"}`, "Limits:", ...lines(gpu.limits)]
    : [`GPU: none was opened; the browser ${hasWebGpu ? "has" : "has no"} WebGPU`];
  return [
    `Page: ${version}`,
    `Browser: ${userAgent}`,
    ...["Settings:", ...lines(settings)],
    ...["Last messages:", ...messages.map((message) => `  ${message}`)],
    ...adapter,
    "",
  ].join("\n");
}

/** The last messages of the page, each with the time since the page was opened. */
export class MessageLog {
  #messages: string[] = [];

  constructor(
    private readonly most = 20,
    private readonly now = () => performance.now(),
  ) {}

  add(message: string): void {
    const text = message.replace(/\s+/g, " ");
    if (this.#messages.at(-1)?.endsWith(`s  ${text}`)) return; // said again
    this.#messages = [...this.#messages, `${(this.now() / 1000).toFixed(1)} s  ${text}`].slice(-this.most);
  }

  get messages(): readonly string[] {
    return this.#messages;
  }
}
