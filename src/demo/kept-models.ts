// The models that this browser keeps: each is a file, and a card that says what is in it. A model counts once its card is written, so a crash
// in between leaves no half of one.

import type { Rgb8 } from "../image/planes.ts";
import type { FileFolder } from "./opfs-folder.ts";

/** What a list shows of a kept model. */
export interface KeptModel {
  readonly key: string;
  readonly name: string;
  /** Of its pictures, px. */
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly keptAt: number;
  readonly thumbnail: Rgb8;
}

/** What is asked for is not there any more. The message is for the visitor. */
export class KeptModelError extends Error {
  override readonly name = "KeptModelError";
}

/** Runs work while no other tab runs its own. */
export type WhileAlone = <T>(work: () => Promise<T>) => Promise<T>;

const CARD = ".json";
const FILE = ".safetensors";

export class KeptModels {
  constructor(
    private readonly folder: FileFolder,
    private readonly whileAlone: WhileAlone,
  ) {}

  /** The newest first. Removes what an interrupted add() or delete() has left. */
  list(): Promise<KeptModel[]> {
    return this.whileAlone(async () => {
      const names = new Set(await this.folder.names());
      const models: KeptModel[] = [];
      for (const name of names) {
        const key = name.replace(/\.[^.]*$/, "");
        if (!name.endsWith(CARD) || !names.has(key + FILE)) continue;
        const card = readCard(await this.folder.read(name));
        if (card) models.push({ ...card, key });
      }
      const known = new Set(models.flatMap(({ key }) => [key + CARD, key + FILE]));
      for (const name of names) if (!known.has(name)) await this.folder.remove(name);
      return models.sort((a, b) => b.keptAt - a.keptAt);
    });
  }

  /** Keeps a model's file under a new key. Throws what the folder throws, and leaves nothing then. */
  add(key: string, card: Omit<KeptModel, "key" | "bytes">, file: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.whileAlone(async () => {
      try {
        await this.folder.write(key + FILE, file);
        await this.folder.write(key + CARD, writeCard({ ...card, bytes: file.length }));
      } catch (error) {
        for (const name of [key + CARD, key + FILE]) await this.folder.remove(name).catch(() => {}); // the first error says more
        throw error;
      }
    });
  }

  /** The model's file. Throws KeptModelError where it is gone. */
  async read(key: string): Promise<Uint8Array<ArrayBuffer>> {
    const file = await this.folder.read(key + FILE);
    if (!file) throw new KeptModelError("This model is gone: another tab has deleted it.");
    return file;
  }

  delete(key: string): Promise<void> {
    return this.whileAlone(async () => {
      await this.folder.remove(key + CARD);
      await this.folder.remove(key + FILE);
    });
  }
}

type Card = Omit<KeptModel, "key">;

function writeCard({ thumbnail: { width, height, data }, ...card }: Card): Uint8Array<ArrayBuffer> {
  const text = JSON.stringify({ ...card, thumbnail: { width, height, data: [...data] } });
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}

/** Null for a damaged card. */
function readCard(bytes: Uint8Array | null): Card | null {
  try {
    const { name, width, height, bytes: size, keptAt, thumbnail } = JSON.parse(new TextDecoder().decode(bytes ?? undefined));
    const data = Uint8Array.from(thumbnail.data as number[]);
    const isWhole = data.length === 3 * thumbnail.width * thumbnail.height && data.length > 0;
    if (typeof name !== "string" || ![width, height, size, keptAt].every(Number.isFinite) || !isWhole) return null;
    return { name, width, height, bytes: size, keptAt, thumbnail: { width: thumbnail.width, height: thumbnail.height, data } };
  } catch {
    return null;
  }
}
