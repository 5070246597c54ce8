// Records as they were last read, so that a text is parsed once for each version of it. Values are frozen: all readers share them.
import type { Entry, Key } from '../store.js';

/** How many records are kept, and up to what size each: characters of JSON. */
const recordsMax = 1_024;
const charactersMax = 16_384;

interface Kept {
  readonly version: number;
  readonly entry: Entry;
}

export class Recent {
  readonly #kept = new Map<string, Kept>();

  /** The version that is kept; 0, which no record has, for none. */
  version(key: string): number {
    return this.#kept.get(key)?.version ?? 0;
  }

  /** What is kept, moved to the end of the line of those that have to go. */
  entry(key: string): Entry | null {
    const kept = this.#kept.get(key);
    if (!kept) return null;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.entry;
  }

  take(key: string, entry: Entry, version: number, characters: number): void {
    this.#kept.delete(key);
    if (characters > charactersMax) return;
    this.#kept.set(key, { version, entry });
    if (this.#kept.size > recordsMax) this.#forgetOldest();
  }

  #forgetOldest(): void {
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined) this.#kept.delete(oldest);
  }
}

/** A record as it is read: its value is frozen to the last leaf. */
export function entryOf(key: Key, value: string, version: number): Entry {
  return { key, value: frozen(JSON.parse(value) as unknown), version: String(version) };
}

function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
