// A unified diff as lines with what they are and which numbers they have.

export interface PatchLine {
  readonly kind: 'file' | 'hunk' | 'added' | 'removed' | 'same' | 'note';
  readonly text: string;
  readonly before?: number;
  readonly after?: number;
}

export interface Patch {
  readonly lines: readonly PatchLine[];
  /** Where each file begins. */
  readonly files: readonly { readonly name: string; readonly at: number }[];
}

export function readPatch(text: string): Patch {
  const lines: PatchLine[] = [];
  const files: { name: string; at: number }[] = [];
  let [before, after, isIn] = [0, 0, false];
  for (const line of text.replace(/\n$/, '').split('\n')) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(line);
    if (line.startsWith('diff --git ')) {
      isIn = false;
      const name = / b\/(.*)$/.exec(line)?.[1] ?? line.slice(11);
      files.push({ name, at: lines.push({ kind: 'file', text: name }) - 1 });
    } else if (hunk) {
      [before, after, isIn] = [Number(hunk[1]), Number(hunk[2]), true];
      lines.push({ kind: 'hunk', text: line });
    } else if (!isIn) lines.push({ kind: 'note', text: line });
    else if (line.startsWith('+')) lines.push({ kind: 'added', text: line.slice(1), after: after++ });
    else if (line.startsWith('-')) lines.push({ kind: 'removed', text: line.slice(1), before: before++ });
    else if (line.startsWith(' ')) lines.push({ kind: 'same', text: line.slice(1), before: before++, after: after++ });
    else lines.push({ kind: 'note', text: line });
  }
  return { lines, files };
}
