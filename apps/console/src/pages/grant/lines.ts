// Two texts side by side: which lines both have, by the longest common run of them.

export interface Line {
  readonly text: string;
  readonly isShared: boolean;
}

export interface SideBySide {
  readonly left: readonly Line[];
  readonly right: readonly Line[];
}

/** How many lines the texts share from each pair of places on. */
function commonCounts(left: readonly string[], right: readonly string[]): readonly (readonly number[])[] {
  const counts: number[][] = [];
  for (const line of left.toReversed()) {
    const after = counts[0] ?? [];
    const row: number[] = [];
    for (const [j, other] of [...right.entries()].reverse())
      row[j] = line === other ? (after[j + 1] ?? 0) + 1 : Math.max(after[j] ?? 0, row[j + 1] ?? 0);
    counts.unshift(row);
  }
  return counts;
}

/** For texts of some hundred lines: its time grows with the product of both. */
export function sideBySide(leftText: string, rightText: string): SideBySide {
  const [left, right] = [leftText.split('\n'), rightText.split('\n')];
  const counts = commonCounts(left, right);
  const [ours, theirs] = [new Set<number>(), new Set<number>()];
  for (let i = 0, j = 0; i < left.length && j < right.length;) {
    if (left[i] === right[j]) {
      ours.add(i++);
      theirs.add(j++);
    } else if ((counts[i + 1]?.[j] ?? 0) >= (counts[i]?.[j + 1] ?? 0)) i += 1;
    else j += 1;
  }
  const marked = (lines: readonly string[], shared: ReadonlySet<number>) =>
    lines.map((text, i) => ({ text, isShared: shared.has(i) }));
  return { left: marked(left, ours), right: marked(right, theirs) };
}
