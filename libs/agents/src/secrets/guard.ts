// What an agent says of its work, and a diff as it is shown: secrets in them are replaced before anybody else sees them.
import { WritError, type AgentResult } from '#protocol';
import type { Diff, OutgoingPiece } from '../worktrees/worktrees.js';
import { rawReadings, readings } from './reading.js';
import type { Leak, SecretScanner } from './scanner.js';

const mask = '[secret]';

export class Guard {
  constructor(private readonly scanner: SecretScanner) {}

  /** @throws Error when it could not be looked at: then it is not to be told. */
  async result(result: AgentResult): Promise<AgentResult> {
    const texts: string[] = [];
    each(result, (text) => texts.push(text));
    const leaks = await this.scan(texts);
    if (leaks.length === 0) return result;
    const masked = texts.map((text, index) =>
      replaced(
        text,
        leaks.filter((leak) => leak.index === index),
      ),
    );
    return each(result, () => masked.shift() ?? '') as AgentResult;
  }

  /**
   * Lines that hold a secret are left out. The work itself is clear; what is left out stood in the repository before (`before`),
   * which is not to say that whoever reads this has it. @throws WritError `withheld` when it could not be looked at.
   */
  async diff(diff: Diff, before?: AsyncIterable<readonly OutgoingPiece[]>): Promise<Diff> {
    try {
      const lines = diff.text.split('\n');
      const [known, seen] = [await this.secretLines(before), await this.seen(lines)];
      const hides = (line: string, at: number) => seen.has(at) || known.has(line.slice(1));
      const text = lines.map((line, at) => (hides(line, at) ? `${line.slice(0, 1)}${mask}` : headed(line, known)));
      return { ...diff, text: text.join('\n') };
    } catch (cause) {
      const detail = 'The diff could not be scanned for secrets; the log of the spoke has the cause.';
      throw new WritError('withheld', detail, { cause });
    }
  }

  /** Of whole files: a diff may show the middle of a key, which nothing can tell by itself. */
  private async secretLines(before: AsyncIterable<readonly OutgoingPiece[]> | undefined): Promise<Set<string>> {
    const lines = new Set<string>();
    for await (const pieces of before ?? []) {
      const texts = pieces.flatMap(({ bytes }) => readings(bytes) ?? rawReadings(bytes));
      for (const { index, start, end } of await this.scan(texts))
        for (const line of linesOf(texts[index] ?? '', start, end)) lines.add(line);
    }
    lines.delete('');
    return lines;
  }

  /** Lines of the diff, by their number, that hold a secret as they stand. */
  private async seen(lines: readonly string[]): Promise<Set<number>> {
    const sides = [side(lines, '-'), side(lines, '+')];
    const leaks = await this.scan(sides.map(({ text }) => text));
    return new Set(leaks.flatMap(({ index, start, end }) => sides[index]?.between(start, end) ?? []));
  }

  private scan(texts: readonly string[]): Promise<readonly Leak[]> {
    return this.scanner.scan(texts.map((text) => ({ name: '', text })));
  }
}

/** Git repeats a line of the file, cut, behind the places of a hunk. */
function headed(line: string, known: ReadonlySet<string>): string {
  const [, places = '', context = ''] = /^(@@ [^@]+ @@) (.+)$/.exec(line) ?? [];
  const isKnown = context !== '' && [...known].some((one) => one.trimEnd().startsWith(context));
  return isKnown ? `${places} ${mask}` : line;
}

/** Whole lines that a place in a text touches. */
function linesOf(text: string, start: number, end: number): readonly string[] {
  const from = text.lastIndexOf('\n', start - 1) + 1;
  const to = text.indexOf('\n', end);
  return text.slice(start === 0 ? 0 : from, to < 0 ? undefined : to).split('\n');
}

/** One side of a diff as the file had it, with the way back to the lines of the diff. */
function side(lines: readonly string[], sign: '-' | '+') {
  const other = sign === '-' ? '+' : '-';
  const kept = lines.flatMap((line, at) => (line.startsWith(other) ? [] : [at]));
  const texts = kept.map((at) => (lines[at] ?? '').replace(/^[-+ ]/, ''));
  const text = texts.join('\n');
  const lineAt = (offset: number) => text.slice(0, offset).split('\n').length - 1;
  return { text, between: (start: number, end: number) => kept.slice(lineAt(start), lineAt(end) + 1) };
}

/** Places may overlap: what any of them covers is gone. */
function replaced(text: string, leaks: readonly Leak[]): string {
  const kept: string[] = [];
  let at = 0;
  for (const { start, end } of [...leaks].sort((one, other) => one.start - other.start)) {
    if (start >= at) kept.push(text.slice(at, start), mask);
    at = Math.max(at, end);
  }
  return [...kept, text.slice(at)].join('');
}

/** The same value with every text in it given to `change`, in order. */
function each(value: unknown, change: (text: string) => unknown): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((one) => each(one, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, each(one, change)]));
}
