// Verifies an exported audit log against nothing but two thumbprints. Reads it several times, keeps little of it.
import { RefusedError } from '../refused.js';
import { WritError } from '../errors.js';
import { Checkpoints, type LaterState } from './checkpoints.js';
import { Findings, type AuditFinding } from './finding.js';
import { auditStart, type AuditPosition, type ReceiptText } from './format.js';
import { readMessage, readRow, UnknownKeyError, type Said } from './messages.js';
import { Journals, Promises, promisesMax, type Contradiction } from './promises.js';
import { readLine, readText, type AuditSource, type Checkpoint, type Survey } from './survey.js';
import { ChainWalk, type Placed } from './walk.js';

/** Whom the log has to be of: the thumbprints that were compared at pairing. */
export interface AuditExpectation {
  readonly hub: string;
  readonly spoke: string;
  /** What the other side's export of the same connection says. */
  readonly witness?: Survey;
}

export interface AuditReport {
  readonly ok: boolean;
  readonly con: string;
  readonly by: 'hub' | 'spoke';
  /** Rows that were gone through, and the first and last of them as the log counts. */
  readonly rows: number;
  readonly from: number;
  readonly through: number;
  readonly checkpoints: number;
  /** The last row that both sides have vouched for; 0 for none. */
  readonly countersignedThrough: number;
  /** Rows under a key that was revoked later, which no countersigned checkpoint of before covers. */
  readonly unproven: number;
  /** The other file is of a later moment: it knows that the log went on to row `n`, signed at `at` (epoch seconds). */
  readonly later?: LaterState;
  readonly findings: readonly AuditFinding[];
  /** Findings beyond those. */
  readonly more: number;
}

/** @throws WritError `key_invalid` when the log is of other instances than those two. */
export async function verifyAudit(
  source: AuditSource,
  survey: Survey,
  expected: AuditExpectation,
): Promise<AuditReport> {
  const { parties } = survey;
  if (parties.hub !== expected.hub || parties.spoke !== expected.spoke) throw ofOthers(survey);
  const { witness } = expected;
  if (witness && witness.parties.con !== parties.con) throw ofOthers(survey);
  const verifier = new Verifier(survey, witness ? sworn(witness) : []);
  await verifier.walk(source);
  await verifier.promises(source);
  return verifier.report();
}

/** What a file says with a signature: its checkpoints, and its end. */
function sworn({ checkpoints, endCheckpoint }: Survey): readonly Checkpoint[] {
  return endCheckpoint ? [...checkpoints, endCheckpoint] : checkpoints;
}

class Verifier {
  readonly #findings = new Findings();
  readonly #checkpoints: Checkpoints;
  readonly #journals = new Journals();
  readonly #walk: ChainWalk;
  readonly #surplus: number;
  #rows = 0;
  #unproven = 0;
  /** The first row under a key that no statement names. */
  #unknown: { readonly line: number; readonly n: number; readonly why: string } | undefined;
  #contradictions: Contradiction[] = [];
  #first: Promises | undefined;

  constructor(
    private readonly survey: Survey,
    witnesses: readonly Checkpoint[],
  ) {
    const { header, end, rows } = survey;
    this.#checkpoints = new Checkpoints(survey, this.#findings, witnesses);
    this.#surplus = end ? rows - (end.end.n - header.base.n) : 0;
    const placed = (at: Placed, n: number): void => this.row(at, n);
    const known = end && { end: end.end };
    this.#walk = new ChainWalk({
      base: header.base,
      ...known,
      surplus: this.#surplus,
      findings: this.#findings,
      placed,
    });
    this.base();
  }

  /** Every line once: the chain, and each message by itself. */
  async walk(source: AuditSource): Promise<void> {
    this.#first = new Promises(0, this.passes);
    let line = 0;
    for await (const text of source()) {
      line += 1;
      if (line === 1 || line === this.survey.endLine) continue;
      const read = readLine(text);
      if (read && 'text' in read) this.#walk.take({ row: read, line });
      else this.#walk.skip(line);
    }
    this.#walk.flush();
    this.end();
    this.#contradictions.push(...this.#first.contradictions);
  }

  /** The other parts of what must not be said twice; then the first halves of what was. */
  async promises(source: AuditSource): Promise<void> {
    for (let pass = 1; pass < this.passes; pass += 1) {
      const promises = new Promises(pass, this.passes);
      await eachRow(source, (row, line) => {
        const text = readText(row);
        if (!text || !isPromise(text.kind)) return;
        const said = this.quietly(() => readRow(text, this.survey.parties, this.survey.statements));
        if (said) promises.take(said, text.raw, line, row.n);
      });
      this.#contradictions.push(...promises.contradictions);
    }
    await this.prove(source);
  }

  report(): AuditReport {
    const { header, parties } = this.survey;
    const { kept, count } = this.#findings;
    const countersigned = this.#checkpoints.countersigned.map(({ n }) => n);
    return {
      ok: count === 0,
      con: parties.con,
      by: header.by,
      rows: this.#rows,
      from: header.base.n + 1,
      through: this.#walk.last.n,
      checkpoints: this.#checkpoints.own,
      countersignedThrough: Math.max(0, ...countersigned),
      unproven: this.#unproven,
      ...(this.#checkpoints.later && { later: this.#checkpoints.later }),
      findings: [...kept].sort((a, b) => a.line - b.line),
      more: count - kept.length,
    };
  }

  private get passes(): number {
    return Math.max(1, Math.ceil((this.survey.promises * 2) / promisesMax));
  }

  /** Rows that are gone from the beginning are told by a row that says so. */
  private base(): void {
    const { header, cuts, parties } = this.survey;
    const { n, h } = header.base;
    if (n === 0 && h !== auditStart(parties.con))
      this.#findings.add({ fault: 'edited', line: 1, detail: 'The log of this connection does not begin so.' });
    if (n === 0 || cuts.some((cut) => cut.n === n && cut.h === h)) return;
    this.#findings.add({
      fault: 'dropped',
      line: 1,
      row: 1,
      detail: `Rows 1 to ${n} were dropped: no row says that they were let go.`,
    });
  }

  private row({ row, line }: Placed, n: number): void {
    this.#rows += 1;
    this.#checkpoints.placed({ n, h: row.h }, line, this.#surplus);
    const text = readText(row);
    if (text) this.text(text, line, n);
    else this.forged(line, n, 'its text has not its shape');
  }

  private text(text: ReceiptText, line: number, n: number): void {
    try {
      const said = readRow(text, this.survey.parties, this.survey.statements);
      if (said) this.said(said, text.kind, text.raw, line, n);
    } catch (error) {
      if (!(error instanceof RefusedError || error instanceof WritError)) throw error;
      if (error instanceof UnknownKeyError) this.#unknown ??= { line, n, why: error.reason };
      else this.forged(line, n, error instanceof RefusedError ? error.reason : error.detail);
    }
  }

  private said(said: Said, kind: string, raw: string, line: number, n: number): void {
    if (said.revokedAt !== Infinity && !this.#checkpoints.covers(n, said.revokedAt)) this.#unproven += 1;
    if (isPromise(kind)) this.#first?.take(said, raw, line, n);
    const before = kind === 'event' ? this.#journals.contradicts(said, raw) : undefined;
    if (before === undefined) return;
    const detail = `Row ${n}: the spoke signed two different journals for the same numbers.`;
    this.#findings.add({ fault: 'equivocation', line, row: n, detail, evidence: [before, raw] });
  }

  private forged(line: number, n: number, why: string): void {
    if (this.#findings.names(line)) return;
    this.#findings.add({
      fault: 'forged',
      line,
      row: n,
      detail: `Row ${n} (line ${line}) holds what was not said so: ${why}.`,
    });
  }

  private end(): void {
    const { end, endLine } = this.survey;
    const last = this.#walk.last;
    if (end) this.signedEnd(end.end, end.checkpoint, endLine);
    else
      this.#findings.add({
        fault: 'cut',
        line: endLine,
        row: last.n + 1,
        detail: `The file was cut off after row ${last.n}: its end is missing.`,
      });
    this.#checkpoints.ended(last, endLine);
    const unknown = this.#unknown;
    if (unknown && this.#findings.count === 0) this.forged(unknown.line, unknown.n, unknown.why);
  }

  private signedEnd({ n, h }: AuditPosition, token: string, line: number): void {
    const { parties, statements, header } = this.survey;
    const signed = holdsAs(() => readMessage(token, 'checkpoint', parties, statements), parties[header.by], { n, h });
    if (signed === 'no') {
      this.badEnd(line);
      return;
    }
    const last = this.#walk.last;
    if (last.n < n)
      this.#findings.add({ fault: 'cut', line, row: last.n + 1, detail: `Rows ${last.n + 1} to ${n} were cut off.` });
    else if ((last.n !== n || last.h !== h) && this.#findings.count === 0)
      this.#findings.add({
        fault: this.#surplus > 0 ? 'added' : 'edited',
        line,
        row: n,
        detail: `The log does not end in row ${n} as it was signed.`,
      });
    // The statement that names its key may be in a row that is gone: then that was said already.
    if (signed === 'unknown' && this.#findings.count === 0) this.badEnd(line);
  }

  private badEnd(line: number): void {
    const detail = 'The last line was edited: it is not what the side whose log it is signed.';
    this.#findings.add({ fault: 'edited', line, detail });
  }

  private async prove(source: AuditSource): Promise<void> {
    if (this.#contradictions.length === 0) return;
    const wanted = new Set(this.#contradictions.map(({ firstLine }) => firstLine));
    const tokens = new Map<number, string>();
    await eachRow(source, (row, line) => {
      if (wanted.has(line)) tokens.set(line, readText(row)?.raw ?? '');
    });
    for (const { what, firstLine, line, row, token } of this.#contradictions)
      this.#findings.add({
        fault: 'equivocation',
        line,
        row,
        detail: what,
        evidence: [tokens.get(firstLine) ?? '', token],
      });
  }

  private quietly<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (error instanceof RefusedError || error instanceof WritError) return undefined;
      throw error;
    }
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

function holdsAs(read: () => Said, by: string, { n, h }: AuditPosition): 'yes' | 'no' | 'unknown' {
  try {
    const { iss, claims } = read();
    return iss === by && claims['n'] === n && claims['h'] === h ? 'yes' : 'no';
  } catch (error) {
    if (error instanceof UnknownKeyError) return 'unknown';
    if (error instanceof RefusedError) return 'no';
    throw error;
  }
}

function isPromise(kind: string): boolean {
  return kind === 'command' || kind === 'result' || kind === 'refusal';
}

function ofOthers({ parties: { hub, spoke, con } }: Survey): WritError {
  const detail = `The file is of another connection than was asked for: hub ${hub}, spoke ${spoke}, connection ${con}.`;
  return new WritError('key_invalid', detail);
}
