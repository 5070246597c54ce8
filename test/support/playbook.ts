// The commands of a section of docs/operations.md, as they stand there: on which machine, what to type, what is printed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './instance.js';

type Place = 'hub' | 'spoke' | 'anywhere';

export interface Step {
  readonly place: Place;
  /** As written, with placeholders. */
  readonly line: string;
  readonly exit: number;
  /** What has to be among what is printed, in this order. */
  readonly printed: readonly string[];
}

/** The blocks of one emergency, in order. */
export type Story = readonly (readonly Step[])[];

/** Each `###` of a `##` of the page, with its blocks. @throws Error for a line that says not where it is typed, or is no command */
export function playbook(page: string, section: string): ReadonlyMap<string, Story> {
  const text = readFileSync(join(root, page), 'utf8');
  const [, body = ''] = new RegExp(`^## ${section}\\n([^]*?)(?=^## )`, 'm').exec(text) ?? [];
  const stories = body.split(/^### /m).slice(1);
  return new Map(stories.map((story) => [story.split('\n')[0] ?? '', blocksOf(story)]));
}

function blocksOf(story: string): Story {
  return [...story.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) => {
    let place: Place | undefined;
    return block.split('\n').flatMap((line) => {
      if (line.trim() === '') return [];
      const [, where] = /^# (?:on the )?(hub|spoke|anywhere)$/.exec(line) ?? [];
      if (where) place = where as Place;
      return where ? [] : [stepOf(line, place)];
    });
  });
}

function stepOf(text: string, place: Place | undefined): Step {
  const [line = '', said = ''] = text.split('#>').map((part) => part.trim());
  if (!place || !line.startsWith('writ ')) throw new Error(`Who types this, and where: ${text}`);
  const parts = said.split('…').map((part) => part.trim());
  const [, exit = '0'] = /^exit (\d)$/.exec(parts[0] ?? '') ?? [];
  const printed = parts.slice(exit === '0' ? 0 : 1).filter((part) => part !== '');
  return { place, line, exit: Number(exit), printed };
}

/** What the words in capitals stand for. */
export type Names = Readonly<
  Partial<Record<'HUB' | 'SPOKE' | 'ID' | 'KEY' | 'TASK' | 'HUB_ROOT' | 'SPOKE_ROOT', string>>
>;

/** @throws Error for a word that stands for nothing here */
export function filledIn(text: string, names: Names): string {
  return text.replace(/\b(HUB_ROOT|SPOKE_ROOT|HUB|SPOKE|ID|KEY|TASK)\b/g, (word) => {
    const name = names[word as keyof Names];
    if (name === undefined) throw new Error(`${word} is not known here: ${text}`);
    return name;
  });
}

/** The words of a command line, quotes taken off, without `writ`. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '').slice(1);
}

/** Whether the parts are there, one after the other, whatever white space is between words. */
export function follows(output: string, parts: readonly string[]): boolean {
  const text = output.replace(/\s+/g, ' ');
  let from = 0;
  return parts.every((part) => {
    const at = text.indexOf(part, from);
    from = at + part.length;
    return at >= 0;
  });
}
