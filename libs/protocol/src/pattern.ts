// Patterns of a grant, matched by following all possible positions at once: the time is linear in the text for a given
// pattern, whatever a hostile text looks like, because nothing is ever tried twice.

type Token = { readonly literal: string } | { readonly run: '*' | '**' };

/** A compiled pattern: whether the whole text matches. */
export type Matcher = (text: string) => boolean;

/** `*` stands for any run of characters but `/`, `**` for any run, every other character for itself; upper and lower case differ. */
export function compilePattern(pattern: string): Matcher {
  const tokens = (pattern.match(/\*\*|[^]/g) ?? []).map(tokenOf);
  return (text) => {
    let positions = reach(tokens, new Set([0]));
    for (const character of text) {
      positions = step(tokens, positions, character);
      if (positions.size === 0) return false;
    }
    return positions.has(tokens.length);
  };
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
