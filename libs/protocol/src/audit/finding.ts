// What a look at an audit log finds.

/**
 * `edited`, `dropped`, `added`, `swapped`: what became of a row. `cut`: rows are missing at the end. `forged`: a row holds what
 * nobody signed. `equivocation`: a side signed two things that cannot both be true. `format`: not such a file at all.
 */
export type AuditFault = 'edited' | 'dropped' | 'added' | 'swapped' | 'cut' | 'forged' | 'equivocation' | 'format';

export interface AuditFinding {
  readonly fault: AuditFault;
  /** The line of the file, from 1. */
  readonly line: number;
  /** The row that it is about, as the log counts. */
  readonly row?: number;
  readonly detail: string;
  /** The two exact messages that cannot both be true: of an equivocation, and of a cut whose end was signed anew. */
  readonly evidence?: readonly [string, string];
}

/** Beyond it the rest is counted only. */
const keptMax = 100;

/** Findings as they come, bounded; at most one for a line and fault. */
export class Findings {
  readonly kept: AuditFinding[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(finding: AuditFinding): void {
    this.#count += 1;
    if (this.kept.length < keptMax) this.kept.push(finding);
  }

  /** Whether something was said of that line already: one fault is enough. */
  names(line: number): boolean {
    return this.kept.some((finding) => finding.line === line);
  }
}
