// Two things that a side signed and that cannot both be: looked for in as many passes as memory wants, then proved with both.
import { RefusedError } from '../refused.js';
import { WritError } from '../errors.js';
import type { Findings } from './finding.js';
import { readRow, type Said } from './messages.js';
import { Promises, promisesMax, type Contradiction } from './promises.js';
import { readLine, readText, type AuditSource, type Survey } from './survey.js';
import type { Placed } from './walk.js';

export class Equivocations {
  readonly #passes: number;
  readonly #first: Promises;
  #found: Contradiction[] = [];

  constructor(
    private readonly survey: Survey,
    private readonly findings: Findings,
  ) {
    this.#passes = Math.max(1, Math.ceil((survey.promises * 2) / promisesMax));
    this.#first = new Promises(0, this.#passes);
  }

  /** A message of the first pass, which reads every line anyway. */
  take(said: Said, kind: string, raw: string, line: number, n: number): void {
    if (isPromise(kind)) this.#first.take(said, raw, line, n);
  }

  /** The other parts of what must not be said twice; then the first halves of what was. */
  async search(source: AuditSource): Promise<void> {
    this.#found.push(...this.#first.contradictions);
    for (let pass = 1; pass < this.#passes; pass += 1) {
      const promises = new Promises(pass, this.#passes);
      await eachRow(source, (row, line) => this.look(promises, row, line));
      this.#found.push(...promises.contradictions);
    }
    if (this.#found.length > 0) await this.prove(source);
  }

  private look(promises: Promises, row: Placed['row'], line: number): void {
    const text = readText(row);
    if (!text || !isPromise(text.kind)) return;
    const said = quietly(() => readRow(text, this.survey.parties, this.survey.statements));
    if (said) promises.take(said, text.raw, line, row.n);
  }

  private async prove(source: AuditSource): Promise<void> {
    const wanted = new Set(this.#found.map(({ firstLine }) => firstLine));
    const tokens = new Map<number, string>();
    await eachRow(source, (row, line) => {
      if (wanted.has(line)) tokens.set(line, readText(row)?.raw ?? '');
    });
    for (const { what: detail, firstLine, line, row, token } of this.#found) {
      const evidence = [tokens.get(firstLine) ?? '', token] as const;
      this.findings.add({ fault: 'equivocation', line, row, detail, evidence });
    }
  }
}

function isPromise(kind: string): boolean {
  return kind === 'command' || kind === 'result' || kind === 'refusal';
}

/** What is no message was found in the first pass. */
function quietly<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RefusedError || error instanceof WritError) return undefined;
    throw error;
  }
}

async function eachRow(source: AuditSource, each: (row: Placed['row'], line: number) => void): Promise<void> {
  let line = 0;
  for await (const text of source()) {
    line += 1;
    const read = readLine(text);
    if (read && 'text' in read) each(read, line);
  }
}
