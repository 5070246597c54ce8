// How answers look: a table for people, JSON for programs, plain lines with tabs when piped.
import Table from 'cli-table3';
import type { OutputForm, World } from './world.js';

export interface Column<T> {
  readonly title: string;
  readonly value: (item: T) => string | number | undefined;
  /** For people only, when the whole value would be too wide. */
  readonly short?: (item: T) => string;
  /** Never cut, even for people. */
  readonly whole?: true;
}

const cellCharsMax = 60;

/** What a partner's machine wrote must not steer the terminal: control characters (C0, C1, ESC) are left out. */
export function harmless(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '');
}

function cell(text: string, whole = false): string {
  const line = harmless(text).replace(/[\t\n]+/g, ' ');
  return line.length > cellCharsMax && !whole ? `${line.slice(0, cellCharsMax - 1)}…` : line;
}

const bare = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

export class Printer {
  readonly form: OutputForm;

  constructor(
    private readonly world: World,
    wanted?: OutputForm,
  ) {
    this.form = wanted ?? (world.tty ? 'table' : 'plain');
  }

  json(value: unknown): void {
    this.world.out(`${JSON.stringify(value, null, 2)}\n`);
  }

  /** One JSON value on one line, for streams. */
  jsonLine(value: unknown): void {
    this.world.out(`${JSON.stringify(value)}\n`);
  }

  /** A list: a table, lines of tab-separated values, or the items as JSON. `none` is said to people when it is empty. */
  list<T>(items: readonly T[], columns: readonly Column<T>[], none: string): void {
    if (this.form === 'json') {
      this.json(items);
      return;
    }
    if (this.form === 'plain') {
      this.plain(items, columns);
      return;
    }
    if (items.length === 0) {
      this.say(none);
      return;
    }
    const table = new Table({
      head: columns.map(({ title }) => title),
      chars: bare,
      style: { head: [], border: [], 'padding-left': 0 },
    });
    for (const item of items)
      table.push(columns.map(({ value, short, whole }) => cell(short?.(item) ?? String(value(item) ?? ''), whole)));
    this.world.out(`${table.toString().replace(/ +$/gm, '')}\n`);
  }

  /** One thing: its named values, one a line, or the whole of it as JSON. */
  one(whole: unknown, pairs: readonly (readonly [string, string | number | undefined])[]): void {
    if (this.form === 'json') {
      this.json(whole);
      return;
    }
    const known = pairs.filter(([, value]) => value !== undefined && value !== '');
    const width = Math.max(...known.map(([name]) => name.length));
    for (const [name, value] of known) {
      const label = this.form === 'plain' ? `${name}\t` : `${name.padEnd(width)}  `;
      this.world.out(`${label}${harmless(String(value))}\n`);
    }
  }

  /** A sentence for people; programs that read JSON do not get it. */
  say(text: string): void {
    if (this.form !== 'json') this.world.out(`${harmless(text)}\n`);
  }

  /** Text as it is for programs, without control characters on a terminal. */
  raw(text: string): void {
    this.world.out(this.world.tty ? harmless(text) : text);
  }

  private plain<T>(items: readonly T[], columns: readonly Column<T>[]): void {
    for (const item of items) {
      const cells = columns.map(({ value }) => harmless(String(value(item) ?? '')).replace(/[\t\n]+/g, ' '));
      this.world.out(`${cells.join('\t')}\n`);
    }
  }
}
