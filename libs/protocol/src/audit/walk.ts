// Walks along the chain of a log, one row behind what is read, and names what does not follow: with the next row in sight an
// edited row, one that is missing, one too many and two that changed places look different.
import { chainNext } from '../chain.js';
import type { Findings } from './finding.js';
import type { AuditPosition, AuditRow } from './format.js';

export interface Placed {
  readonly row: AuditRow;
  readonly line: number;
}

export interface WalkOptions {
  readonly base: AuditPosition;
  /** Where the log ends, when that is known. */
  readonly end?: AuditPosition;
  /** Rows of the file less those that there should be. */
  readonly surplus: number;
  readonly findings: Findings;
  /** Called for each row that has a place in the chain, in its order. */
  readonly placed: (placed: Placed, n: number) => void;
}

export class ChainWalk {
  /** The row that was placed last, and what the next one may follow. */
  #last: AuditPosition;
  #lastLine = 1;
  #before: AuditPosition | undefined;
  /** The hash that an edited row should have had. */
  #other: string | undefined;
  #blind = false;
  #waiting: Placed | undefined;
  #swap: { readonly at: Placed; readonly n: number } | undefined;

  constructor(private readonly options: WalkOptions) {
    this.#last = options.base;
  }

  get last(): AuditPosition {
    return this.#last;
  }

  take(placed: Placed): void {
    const waiting = this.#waiting;
    this.#waiting = placed;
    if (waiting && this.judge(waiting, placed) === 'both') this.#waiting = undefined;
  }

  /** A line that is no row: what it was is not known, so the next row is taken as it is. */
  skip(line: number): void {
    this.flush();
    this.options.findings.add({
      fault: 'edited',
      line,
      row: this.#last.n + 1,
      detail: `Line ${line} is no row of an audit log: it was edited.`,
    });
    this.#blind = true;
  }

  flush(): void {
    if (this.#waiting) this.judge(this.#waiting, undefined);
    this.#waiting = undefined;
    this.settleSwap(undefined);
  }

  private judge(at: Placed, next: Placed | undefined): 'one' | 'both' {
    const { row } = at;
    if (this.settleSwap(at)) return 'one';
    if (this.#blind) this.place(at, row.n);
    else if (!this.follows(row)) return this.misplaced(at, next);
    else if (isWhole(row)) this.numbered(at);
    else if (next && next.row.prev === this.#last.h)
      this.say('added', at, 'stands between two rows that follow one another');
    else this.edited(at);
    return 'one';
  }

  private numbered(at: Placed): void {
    const { n } = at.row;
    if (n !== this.#last.n + 1) this.say('edited', at, `has the number ${n} in the place of ${this.#last.n + 1}`);
    this.place(at, this.#last.n + 1);
  }

  private edited(at: Placed): void {
    const { prev, text } = at.row;
    this.say('edited', at, 'is not what was written down: its text or its hash was changed');
    this.place(at, this.#last.n + 1);
    this.#other = chainNext(prev, text);
  }

  /** The row does not follow from the one before it. */
  private misplaced(at: Placed, next: Placed | undefined): 'one' | 'both' {
    const { row } = at;
    const nextFollows = next !== undefined && this.follows(next.row);
    if (chainNext(this.#last.h, row.text) === row.h) return this.editedLink(at);
    if (next && nextFollows && row.prev === next.row.h) return this.swapped(at, next);
    if (this.#before && row.prev === this.#before.h) return this.doubled(at, next);
    if (nextFollows || (!next && this.options.end?.h === this.#last.h))
      this.say('added', at, 'stands between two rows that follow one another');
    else this.elsewhere(at, next);
    return 'one';
  }

  private editedLink(at: Placed): 'one' {
    this.say('edited', at, 'names another row before it than the one it was made after');
    this.place(at, this.#last.n + 1);
    return 'one';
  }

  private swapped(at: Placed, next: Placed): 'both' {
    const n = this.#last.n + 1;
    this.place(next, n);
    this.place(at, n + 1);
    this.#swap = { at, n };
    return 'both';
  }

  /** Two rows that changed places, unless the one that came too early comes again: then it was put in. */
  private settleSwap(next: Placed | undefined): boolean {
    const swap = this.#swap;
    this.#swap = undefined;
    if (!swap) return false;
    const { at, n } = swap;
    const again = next?.row.h === at.row.h;
    if (again) this.say('added', at, 'is a copy of one that comes later');
    else
      this.options.findings.add({
        fault: 'swapped',
        line: at.line,
        row: n,
        detail: `Rows ${n} and ${n + 1} were swapped.`,
      });
    return again;
  }

  /** Two rows after the same one: the one that the next row follows is the true one. */
  private doubled(at: Placed, next: Placed | undefined): 'one' {
    const follower = next?.row.prev ?? this.options.end?.h;
    if (follower === this.#last.h) {
      this.say('added', at, 'follows a row that has another after it');
      return 'one';
    }
    const { n } = this.#last;
    const detail = `Row ${n} was added: the row after it was made without it.`;
    this.options.findings.add({ fault: 'added', line: this.#lastLine, row: n, detail });
    this.place(at, n);
    return 'one';
  }

  /** Nothing near tells where it belongs: its number does. */
  private elsewhere(at: Placed, next: Placed | undefined): void {
    const [wanted, { n }] = [this.#last.n + 1, at.row];
    const whole = isWhole(at.row);
    if (whole && n !== wanted && next?.row.n === wanted + 1) this.exchanged(at, next, wanted);
    else if (whole && n > wanted) this.missing(at, wanted, n - 1);
    else if (whole && n === wanted) this.remade(at, wanted);
    else if (whole) this.say('swapped', at, `stands in the place of row ${wanted}`);
    else this.say('edited', at, 'is not what was written down, and does not follow from the row before it');
    if (this.#last.n < wanted) this.place(at, whole && n > wanted ? n : wanted);
    if (!whole) this.#other = chainNext(at.row.prev, at.row.text);
  }

  private exchanged(at: Placed, next: Placed, wanted: number): void {
    this.say('swapped', at, `stands in the place of row ${wanted}`);
    this.place(at, wanted);
    this.#other = next.row.prev;
  }

  private missing(at: Placed, from: number, through: number): void {
    const which = from === through ? `Row ${from} was` : `Rows ${from} to ${through} were`;
    this.options.findings.add({ fault: 'dropped', line: at.line, row: from, detail: `${which} dropped.` });
  }

  /** The numbers go on and the hashes do not: either rows between the two are gone, or the one before was written anew. */
  private remade(at: Placed, wanted: number): void {
    if (this.options.surplus < 0 || this.#lastLine === 1) {
      const detail = `A row before row ${wanted} was dropped, and the numbers made anew.`;
      this.options.findings.add({ fault: 'dropped', line: at.line, row: wanted, detail });
      return;
    }
    const { n } = this.#last;
    const detail = `Row ${n} was edited: the row after it was made after another text.`;
    if (!this.options.findings.names(this.#lastLine))
      this.options.findings.add({ fault: 'edited', line: this.#lastLine, row: n, detail });
  }

  private follows({ prev }: AuditRow): boolean {
    return prev === this.#last.h || prev === this.#other;
  }

  private place(at: Placed, n: number): void {
    this.#before = this.#last;
    this.#last = { n, h: at.row.h };
    this.#lastLine = at.line;
    this.#other = undefined;
    this.#blind = false;
    this.options.placed(at, n);
  }

  private say(fault: 'edited' | 'added' | 'swapped', { row, line }: Placed, how: string): void {
    this.options.findings.add({
      fault,
      line,
      row: row.n,
      detail: `Row ${row.n} (line ${line}) was ${fault}: it ${how}.`,
    });
  }
}

function isWhole({ prev, text, h }: AuditRow): boolean {
  return chainNext(prev, text) === h;
}
