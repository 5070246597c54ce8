// Payload JSON (RFC 8259, narrowed as by I-JSON, RFC 7493): what two parsers could read differently is refused.

const jsonDepthMax = 16;
/** Members of objects and elements of arrays together. */
const jsonMembersMax = 10_000;

/** Says why a payload was refused; the reason is for logs. */
export class JsonFault extends Error {
  override readonly name = 'JsonFault';
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const strings = /"[^"\\]*(?:\\.[^"\\]*)*"/g;

/** How many members the walk has seen: `names` in objects alone, `all` with the elements of arrays. */
interface Tally {
  names: number;
  all: number;
  /** Whether a string may have a lone surrogate: a text without escapes of that kind has none. */
  readonly surrogates: boolean;
}

/**
 * Parses the bytes of a payload.
 * @throws JsonFault on invalid UTF-8, duplicate members, `__proto__`, numbers that are not plain safe integers,
 *   lone surrogates, more than 16 levels or 10,000 members.
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decodeText(bytes);
  const value = parseText(text);
  const tally = { names: 0, all: 0, surrogates: text.includes('\\u') };
  walk(value, 1, tally);
  if (JSON.stringify(value) !== text) checkSpelling(text, tally.names);
  return value;
}

/**
 * The JSON text of a value that `parseJson` would take back; `undefined` members are left out.
 * @throws JsonFault when it would not.
 */
export function formatJson(value: unknown): string {
  const text = JSON.stringify(value);
  walk(value, 1, { names: 0, all: 0, surrogates: text.includes('\\ud') });
  return text;
}

function decodeText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new JsonFault('not UTF-8');
  }
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new JsonFault('not JSON');
  }
}

/**
 * What `JSON.parse` hides: a name given twice, and numbers spelled so that another parser makes them something else.
 * A text that is what `JSON.stringify` writes has neither. Without its strings a JSON text has one colon per member as written, so fewer members in the value mean a duplicate.
 */
function checkSpelling(text: string, names: number): void {
  const bare = text.replace(strings, '');
  if (/\d[.eE]|-0/.test(bare)) throw new JsonFault('a number is not a plain integer');
  if (bare.split(':').length - 1 !== names) throw new JsonFault('a member is given twice');
}

function walk(value: unknown, depth: number, tally: Tally): void {
  if (typeof value === 'string') {
    if (tally.surrogates) checkString(value);
    return;
  }
  if (typeof value === 'number') checkNumber(value);
  if (value === null || typeof value !== 'object') return;
  if (depth > jsonDepthMax) throw new JsonFault(`deeper than ${jsonDepthMax} levels`);
  if (Array.isArray(value)) walkElements(value, depth, tally);
  else walkMembers(value as Record<string, unknown>, depth, tally);
}

function walkElements(elements: readonly unknown[], depth: number, tally: Tally): void {
  count(tally, elements.length);
  for (const element of elements) walk(element, depth + 1, tally);
}

function walkMembers(members: Record<string, unknown>, depth: number, tally: Tally): void {
  const names = Object.keys(members);
  count(tally, names.length);
  tally.names += names.length;
  for (const name of names) {
    if (name === '__proto__') throw new JsonFault('a member is called __proto__');
    if (tally.surrogates) checkString(name);
    walk(members[name], depth + 1, tally);
  }
}

function count(tally: Tally, more: number): void {
  tally.all += more;
  if (tally.all > jsonMembersMax) throw new JsonFault(`more than ${jsonMembersMax} members`);
}

/** A lone surrogate has no UTF-8: two different strings would get one hash. */
function checkString(text: string): void {
  if (!text.isWellFormed()) throw new JsonFault('a string has a lone surrogate');
}

function checkNumber(number: number): void {
  if (!Number.isSafeInteger(number)) throw new JsonFault('a number is not a safe integer');
}
