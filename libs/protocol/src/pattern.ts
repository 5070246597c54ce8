// Patterns of a grant, matched by following all possible positions at once: the time is linear in the text for a given
// pattern, whatever a hostile text looks like, because nothing is ever tried twice.

type Token = { readonly literal: string } | { readonly run: '*' | '**' };

/** A compiled pattern: whether the whole text matches. */
export type Matcher = (text: string) => boolean;

/** `*` stands for any run of characters but `/`, `**` for any run, every other character for itself; upper and lower case differ. */
export function compilePattern(pattern: string): Matcher {
  const tokens = tokensOf(pattern);
  return (text) => {
    let positions = reach(tokens, new Set([0]));
    for (const character of text) {
      positions = step(tokens, positions, character);
      if (positions.size === 0) return false;
    }
    return positions.has(tokens.length);
  };
}

/** Whether every text that `narrow` matches is certainly matched by `wide` too; `false` may also mean: not seen. */
export function coversPattern(wide: string, narrow: string): boolean {
  const tokens = tokensOf(wide);
  let positions = reach(tokens, new Set([0]));
  for (const token of tokensOf(narrow)) {
    positions = 'literal' in token ? step(tokens, positions, token.literal) : absorb(tokens, positions, token.run);
    if (positions.size === 0) return false;
  }
  return positions.has(tokens.length);
}

/** A run of any length, none included, is taken whole by one run that stops at nothing that it does not stop at. */
function absorb(tokens: readonly Token[], positions: ReadonlySet<number>, run: '*' | '**'): Set<number> {
  const takers = [...positions].filter((position) => {
    const token = tokens[position];
    return token && 'run' in token && (token.run === '**' || run === '*');
  });
  return reach(tokens, new Set(takers));
}

function tokensOf(pattern: string): Token[] {
  return (pattern.match(/\*\*|[^]/g) ?? []).map(tokenOf);
}

function tokenOf(part: string): Token {
  return part === '*' || part === '**' ? { run: part } : { literal: part };
}

/** A run may be empty: whoever stands before one also stands behind it. A Set visits what is added on the way. */
function reach(tokens: readonly Token[], positions: Set<number>): Set<number> {
  for (const position of positions) {
    const token = tokens[position];
    if (token && 'run' in token) positions.add(position + 1);
  }
  return positions;
}

function step(tokens: readonly Token[], positions: ReadonlySet<number>, character: string): Set<number> {
  const next = new Set<number>();
  for (const position of positions) {
    const token = tokens[position];
    if (!token) continue;
    if ('literal' in token && token.literal === character) next.add(position + 1);
    if ('run' in token && (token.run === '**' || character !== '/')) next.add(position);
  }
  return reach(tokens, next);
}
