// Colours for code of any language, line by line: strings, comments, numbers and the words that many languages share. What it does
// not know stays plain; it never looks further than one line.

type Kind = 'plain' | 'string' | 'comment' | 'number' | 'word' | 'call';

export interface Token {
  readonly kind: Kind;
  readonly text: string;
}

const keywords = new Set(
  `abstract and as async await bool break case catch class const continue def default defer del do elif else end enum except
  export extends false final finally float fn for from func function go if impl implements import in int interface is let loop
  match mod module mut new nil none not null of or package pass private protected pub public raise readonly require return self
  static string struct super switch then this throw trait true try type typeof undefined union unsafe use var void when where
  while with yield`.split(/\s+/),
);

const tokens =
  /(?<comment>\/\/.*|#(?![0-9a-f]{3,8}\b).*|--\s.*|\/\*.*?(?:\*\/|$)|<!--.*?(?:-->|$))|(?<string>"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`?)|(?<number>\b\d[\w.]*)|(?<name>[A-Za-z_$][\w$]*)/g;

const lineCharsMax = 2_000;

export function coloured(line: string): Token[] {
  if (line.length > lineCharsMax) return [{ kind: 'plain', text: line }];
  const parts: Token[] = [];
  let at = 0;
  for (const found of line.matchAll(tokens)) {
    if (found.index > at) parts.push({ kind: 'plain', text: line.slice(at, found.index) });
    at = found.index + found[0].length;
    parts.push({ kind: kindOf(found.groups ?? {}, line[at]), text: found[0] });
  }
  if (at < line.length) parts.push({ kind: 'plain', text: line.slice(at) });
  return parts;
}

function kindOf({ comment, string, number, name }: Record<string, string | undefined>, next: string | undefined): Kind {
  if (comment !== undefined) return 'comment';
  if (string !== undefined) return 'string';
  if (number !== undefined) return 'number';
  if (name !== undefined && keywords.has(name)) return 'word';
  return next === '(' ? 'call' : 'plain';
}
