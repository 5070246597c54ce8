// Each row by itself, in its place: whether its message was really said, by whom, and under a key that still counts.
import { RefusedError } from '../refused.js';
import { WritError } from '../errors.js';
import type { Checkpoints } from './checkpoints.js';
import type { Equivocations } from './equivocation.js';
import type { Findings } from './finding.js';
import type { ReceiptText } from './format.js';
import { readRow, UnknownKeyError, type Said } from './messages.js';
import { Journals } from './promises.js';
import { readText, type Survey } from './survey.js';
import type { Placed } from './walk.js';

export interface RowsParts {
  readonly survey: Survey;
  readonly findings: Findings;
  readonly checkpoints: Checkpoints;
  readonly equivocations: Equivocations;
  /** Rows beyond those that the signed end counts. */
  readonly surplus: number;
}

export class Rows {
  /** Rows that were gone through. */
  count = 0;
  /** Under a key that was revoked later, and no countersigned checkpoint of before covers them. */
  unproven = 0;
  readonly #journals = new Journals();
  /** The first row under a key that no statement names. */
  #unknown: { readonly line: number; readonly n: number; readonly why: string } | undefined;

  constructor(private readonly of: RowsParts) {}

  readonly take = ({ row, line }: Placed, n: number): void => {
    this.count += 1;
    this.of.checkpoints.placed({ n, h: row.h }, line, this.of.surplus);
    const text = readText(row);
    if (text) this.text(text, line, n);
    else this.forged(line, n, 'its text has not its shape');
  };

  /** A key that no statement names is told only when nothing else is wrong: its statement may be in a row that is gone. */
  ended(): void {
    const unknown = this.#unknown;
    if (unknown && this.of.findings.count === 0) this.forged(unknown.line, unknown.n, unknown.why);
  }

  private text(text: ReceiptText, line: number, n: number): void {
    try {
      const said = readRow(text, this.of.survey.parties, this.of.survey.statements);
      if (said) this.said(said, text, line, n);
    } catch (error) {
      if (!(error instanceof RefusedError || error instanceof WritError)) throw error;
      if (error instanceof UnknownKeyError) this.#unknown ??= { line, n, why: error.reason };
      else this.forged(line, n, error instanceof RefusedError ? error.reason : error.detail);
    }
  }

  private said(said: Said, { kind, raw }: ReceiptText, line: number, n: number): void {
    const { checkpoints, equivocations, findings } = this.of;
    if (said.revokedAt !== Infinity && !checkpoints.covers(n, said.revokedAt)) this.unproven += 1;
    equivocations.take(said, kind, raw, line, n);
    const before = kind === 'event' ? this.#journals.contradicts(said, raw) : undefined;
    if (before === undefined) return;
    const detail = `Row ${n}: the spoke signed two different journals for the same numbers.`;
    findings.add({ fault: 'equivocation', line, row: n, detail, evidence: [before, raw] });
  }

  private forged(line: number, n: number, why: string): void {
    if (this.of.findings.names(line)) return;
    const detail = `Row ${n} (line ${line}) holds what was not said so: ${why}.`;
    this.of.findings.add({ fault: 'forged', line, row: n, detail });
  }
}
