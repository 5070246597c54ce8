// The lines of an agent's output: appended as they come, plain text, the oldest gone when there are too many to hold.

const linesMax = 200_000;
const dropAtOnce = 20_000;
/** A line that never ends is cut there; it goes on in the next one. */
const lineCharsMax = 4_000;

/** Colours and cursor moves of a terminal (ECMA-48, 5.4), and what is no text. */
const controls = /\p{Cc}\[[0-?]*[ -/]*[@-~]|\p{Cc}\].*?(?:\p{Cc}\\|\p{Cc}|$)|(?![\t\r])\p{Cc}/gu;

export class Lines {
  /** Whole lines, and at the end the one that is not whole yet. */
  readonly all: string[] = [''];
  /** Lines that are no longer held. */
  gone = 0;

  get count(): number {
    const { all } = this;
    return all.at(-1) === '' ? all.length - 1 : all.length;
  }

  append(text: string): void {
    const parts = text.split('\n');
    this.extend(parts[0] ?? '');
    for (const part of parts.slice(1)) {
      this.all.push('');
      this.extend(part);
    }
    if (this.all.length <= linesMax) return;
    this.all.splice(0, dropAtOnce);
    this.gone += dropAtOnce;
  }

  /** Indices of the lines that have the words, whatever their case. */
  find(words: string): number[] {
    const wanted = words.toLowerCase();
    if (wanted === '') return [];
    return this.all.flatMap((line, i) => (line.toLowerCase().includes(wanted) ? [i] : []));
  }

  private extend(part: string): void {
    const last = this.all.length - 1;
    // A carriage return begins the line anew, as progress bars have it.
    let whole = ((this.all[last] ?? '') + part).replace(controls, '').replace(/\r$/, '');
    whole = whole.slice(whole.lastIndexOf('\r') + 1);
    this.all[last] = whole.slice(0, lineCharsMax);
    for (let at = lineCharsMax; at < whole.length; at += lineCharsMax)
      this.all.push(whole.slice(at, at + lineCharsMax));
  }
}
