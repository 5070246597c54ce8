// What the checkpoints of a log prove: that rows stood when they were signed, that the other side saw it, and that nobody
// signed two logs.
import type { Findings } from './finding.js';
import type { AuditPosition } from './format.js';
import type { Checkpoint, Survey } from './survey.js';

/** Rows up to `n` were vouched for by both sides, the second time at `at` (epoch seconds). */
export interface Countersigned {
  readonly n: number;
  readonly at: number;
}

/** The other file knows of more rows, signed when this one was made or after: it is of a later moment. `at`: epoch seconds. */
export interface LaterState {
  readonly n: number;
  readonly at: number;
}

export class Checkpoints {
  /** Of the side whose log it is, by the row they name. */
  readonly #own = new Map<number, Checkpoint[]>();
  readonly countersigned: readonly Countersigned[];
  readonly own: number;
  readonly #through = new Map<number, number>();
  /** Lines that countersign what is not there. */
  readonly #dangling: number[] = [];
  #good = 0;
  #later: LaterState | undefined;

  /** `witnesses`: checkpoints of the same side that stand in the other one's log. */
  constructor(
    private readonly survey: Survey,
    private readonly findings: Findings,
    witnesses: readonly Checkpoint[] = [],
  ) {
    const { checkpoints, parties, header } = survey;
    const by = parties[header.by];
    const own = checkpoints.filter(({ iss }) => iss === by);
    const foreign = witnesses.filter(({ iss }) => iss === by);
    for (const one of [...own, ...foreign]) this.#own.set(one.n, [...(this.#own.get(one.n) ?? []), one]);
    this.own = own.length;
    this.countersigned = this.pairs(checkpoints.filter(({ iss, of }) => iss !== by && of !== undefined));
    this.compare([...checkpoints, ...foreign]);
  }

  /** A row has its place: what was signed of it has to be so. */
  placed({ n, h }: AuditPosition, line: number, surplus: number): void {
    for (const checkpoint of this.#own.get(n) ?? []) {
      if (checkpoint.h === h) this.#good = n;
      else if (this.findings.count === 0) this.remade(checkpoint, n, line, surplus);
    }
  }

  /** Checkpoints of rows that are not in the file. */
  ended({ n }: AuditPosition, line: number): void {
    const [dangling] = this.#dangling;
    if (dangling !== undefined && this.findings.count === 0)
      this.findings.add({
        fault: 'dropped',
        line: dangling,
        detail: `The checkpoint that line ${dangling} countersigns was dropped.`,
      });
    const most = [...this.#own.values()]
      .flat()
      .filter((one) => one.n > n)
      .sort((a, b) => a.n - b.n || a.iat - b.iat);
    const last = most.at(-1);
    if (!last) return;
    const contradicted = most.findLast((one) => !this.isLater(one));
    if (contradicted) this.cut(n, line, contradicted);
    else this.#later = { n: last.n, at: last.iat };
  }

  get later(): LaterState | undefined {
    return this.#later;
  }

  /** Signed when the end of this file was signed, or after: by then the log had gone on. Times are whole seconds. */
  private isLater({ iat, token }: Checkpoint): boolean {
    const { endCheckpoint, checkpoints } = this.survey;
    const isOfThisFile = checkpoints.some((own) => own.token === token);
    return endCheckpoint !== undefined && !isOfThisFile && iat >= endCheckpoint.iat;
  }

  private cut(n: number, line: number, { n: most, token }: Checkpoint): void {
    const { endCheckpoint } = this.survey;
    this.findings.add({
      fault: 'cut',
      line,
      row: n + 1,
      detail: `Rows ${n + 1} to ${most} were cut off: a signed checkpoint covers them.`,
      ...(endCheckpoint && { evidence: [token, endCheckpoint.token] as const }),
    });
  }

  /** Whether both sides had vouched for the row by that time. */
  covers(n: number, beforeS: number): boolean {
    const known = this.#through.get(beforeS) ?? this.throughAt(beforeS);
    return n <= known;
  }

  private throughAt(beforeS: number): number {
    const through = Math.max(0, ...this.countersigned.filter(({ at }) => at <= beforeS).map(({ n }) => n));
    this.#through.set(beforeS, through);
    return through;
  }

  private remade({ n }: Checkpoint, row: number, line: number, surplus: number): void {
    const fault = surplus < 0 ? 'dropped' : surplus > 0 ? 'added' : 'edited';
    const how = { dropped: 'dropped', added: 'added', edited: 'edited or swapped' }[fault];
    const detail = `Among rows ${this.#good + 1} to ${row} one was ${how} and the chain made anew: the checkpoint of row ${n} was signed over another.`;
    this.findings.add({ fault, line, row: this.#good + 1, detail });
  }

  private pairs(countersignatures: readonly Checkpoint[]): Countersigned[] {
    const own = new Map([...this.#own.values()].flat().map((one) => [one.jti, one]));
    let met = false;
    return countersignatures.flatMap(({ of, iat, line }) => {
      const seen = own.get(of?.jti ?? '');
      if (seen && seen.ref === of?.h) {
        met = true;
        return [{ n: seen.n, at: iat }];
      }
      if (met || this.survey.header.base.n === 0) this.#dangling.push(line);
      return [];
    });
  }

  /** Of one side: never two logs at one row, never a shorter log later. */
  private compare(all: readonly Checkpoint[]): void {
    const first = new Map<string, Checkpoint>();
    for (const one of all) {
      const known = first.get(`${one.iss} ${one.n}`);
      if (!known) first.set(`${one.iss} ${one.n}`, one);
      else if (known.h !== one.h) this.two(known, one, `Two checkpoints were signed for row ${one.n} of one log.`);
    }
    for (const iss of new Set(all.map((one) => one.iss))) this.growing(all.filter((one) => one.iss === iss));
  }

  private growing(all: readonly Checkpoint[]): void {
    const inTime = [...all].sort((a, b) => a.iat - b.iat || a.n - b.n);
    inTime.forEach((one, index) => {
      const before = inTime[index - 1];
      if (before && one.iat > before.iat && one.n < before.n)
        this.two(before, one, `A log of ${before.n} rows had ${one.n} afterwards: it was made anew.`);
    });
  }

  private two(one: Checkpoint, other: Checkpoint, detail: string): void {
    this.findings.add({ fault: 'equivocation', line: other.line, detail, evidence: [one.token, other.token] });
  }
}
