// Everything of some work before the scanner, piece by piece: names of files, commits, contents.
import type { SecretFound } from '#protocol';
import type { Outgoing, OutgoingPiece } from '../worktrees/worktrees.js';
import { rawReadings, readings } from './reading.js';
import type { ScanText, SecretScanner } from './scanner.js';

/** A finding as it may be told, and which secret it is. */
export interface Found extends SecretFound {
  readonly hash: string;
}

interface SearchRules {
  readonly isAllowed: (path: string) => boolean;
  readonly binaries: 'withhold' | 'scan';
}

interface Search {
  readonly found: readonly Found[];
  /** Files that are no text. */
  readonly unread: readonly string[];
}

interface Read extends ScanText {
  readonly shown: string;
}

const everything: SearchRules = { isAllowed: () => false, binaries: 'scan' };
const shownMax = 120;

/** @throws whatever the scanner or git throws: then not all of it was looked at. */
export async function search(scanner: SecretScanner, work: Outgoing, rules = everything): Promise<Search> {
  const names = await secretNames(scanner, work.paths);
  const found: Found[] = [...names.found];
  const unread: string[] = [];
  for await (const pieces of work.added()) {
    const looked = pieces.filter((piece) => !isAllowed(piece, rules));
    const shown = (piece: OutgoingPiece) =>
      piece.names.some((name) => names.secret.has(name)) ? 'a file with a secret name' : title(piece);
    unread.push(...looked.filter((piece) => textsOf(piece, rules) === undefined).map(shown));
    found.push(
      ...(await leaks(
        scanner,
        looked.flatMap((piece) => read(piece, rules, shown(piece))),
      )),
    );
  }
  return { found, unread };
}

/** A content that is also elsewhere counts there. */
function isAllowed({ kind, names }: OutgoingPiece, rules: SearchRules): boolean {
  return kind === 'file' && names.length > 0 && names.every(rules.isAllowed);
}

/** Each on a line of its own. */
async function secretNames(scanner: SecretScanner, paths: readonly string[]) {
  if (paths.length === 0) return { found: [], secret: new Set<string>() };
  const text = paths.map((path) => path.replace(/[\r\n\u2028\u2029]/g, ' ')).join('\n');
  const raw = await scanner.scan([{ name: 'names', text }]);
  const found = raw.map(({ rule, hash }) => ({ rule, file: 'the name of a file', line: 1, hash }));
  const at = (offset: number) => text.slice(0, offset).split('\n').length - 1;
  const secret = raw.flatMap(({ start, end }) => paths.slice(at(start), at(end) + 1));
  return { found, secret: new Set(secret) };
}

function textsOf({ kind, bytes }: OutgoingPiece, { binaries }: SearchRules): readonly string[] | undefined {
  return readings(bytes) ?? (binaries === 'scan' || kind === 'commit' ? rawReadings(bytes) : undefined);
}

function read(piece: OutgoingPiece, rules: SearchRules, shown: string): readonly Read[] {
  return (textsOf(piece, rules) ?? []).map((text) => ({ name: piece.names[0] ?? '', text, shown }));
}

async function leaks(scanner: SecretScanner, texts: readonly Read[]): Promise<readonly Found[]> {
  if (texts.length === 0) return [];
  const raw = await scanner.scan(texts.map(({ name, text }) => ({ name, text })));
  const all = raw.map(({ rule, line, hash, index }) => ({ rule, file: texts[index]?.shown ?? '', line, hash }));
  const once = new Map(all.map((one) => [`${one.rule}\n${one.file}\n${one.line}`, one]));
  return [...once.values()];
}

/** For people: no line breaks, no control characters, no end. */
function title({ kind, names: [name = 'a file'] }: OutgoingPiece): string {
  if (kind === 'commit') return `commit ${name.slice(0, 12)}`;
  const plain = name.replace(/[^\x20-\x7e\u00a1-\uffff]/g, '?').replaceAll('`', '?');
  return plain.length > shownMax ? `…${plain.slice(-shownMax)}` : plain;
}
