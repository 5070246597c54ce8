// What has to outlive the rows that are let go: the pairing, and the key statements under which later rows were signed.
import type { ReceiptText } from '#protocol';

/** After its end a statement carries status and kills for a day; two leave room for clocks. */
const graceMs = 2 * 86_400_000;
/** Of one row; of more than that the newest are kept. */
const keptMax = 500;
const keptCharactersMax = 2 ** 20;

export class Carried {
  readonly #pairing = new Set<string>();
  readonly #statements = new Map<string, number>();

  take({ kind, raw, cut }: Pick<ReceiptText, 'kind' | 'raw' | 'cut'>): void {
    if (kind === 'pairing') this.#pairing.add(raw);
    if (kind === 'keys') this.#statements.set(raw, endOf(raw));
    for (const token of cut?.kept ?? []) {
      if (typeOf(token) === 'writ-keys+jws') this.#statements.set(token, endOf(token));
      else this.#pairing.add(token);
    }
  }

  /** What rows from that time on need. */
  from(atMs: number): string[] {
    const needed = [...this.#statements].filter(([, endS]) => endS * 1_000 + graceMs >= atMs).map(([token]) => token);
    const all = [...this.#pairing, ...needed.slice(-keptMax).reverse()];
    let characters = 0;
    return all.filter((token) => (characters += token.length) <= keptCharactersMax);
  }
}

function typeOf(token: string): unknown {
  return (partOf(token, 0) as { typ?: unknown } | undefined)?.typ;
}

function endOf(token: string): number {
  return Number((partOf(token, 1) as { exp?: unknown } | undefined)?.exp ?? Infinity);
}

/** Our own log holds nothing that was not verified when it came. */
function partOf(token: string, index: number): unknown {
  try {
    return JSON.parse(Buffer.from(token.split('.')[index] ?? '', 'base64url').toString());
  } catch {
    return undefined;
  }
}
