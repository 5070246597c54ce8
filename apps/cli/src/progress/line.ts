// One line at the foot of the terminal for whoever waits: what is waited for, and for how long. It is on standard error and taken
// away before anything else is written, so that nothing of it stays and no program ever reads it.
import type { WriteStream } from 'node:tty';
import { harmless } from '../printer.js';
import { noProgress, type Progress } from './progress.js';

const everyMs = 500;
const eraseLine = '\r\x1b[K';

/** For a terminal that can take a line back; else nothing is shown. */
export function progressOn(stream: WriteStream, term: string | undefined): Progress {
  return stream.isTTY && term !== 'dumb' ? new StatusLine(stream) : noProgress;
}

class StatusLine implements Progress {
  readonly isSeen = true;
  private text = '';
  private sinceMs = 0;
  private isDrawn = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly terminal: WriteStream) {}

  show(text: string): void {
    this.text = text;
    if (this.timer) return;
    this.sinceMs = performance.now();
    this.timer = setInterval(() => this.draw(), everyMs).unref();
  }

  clear(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    if (this.isDrawn) this.terminal.write(eraseLine);
    this.isDrawn = false;
  }

  /** Twice a second, however often something is shown. Never as wide as the terminal: a line that breaks could not be taken back. */
  private draw(): void {
    const took = ` · ${elapsed(performance.now() - this.sinceMs)}`;
    const room = (this.terminal.columns || 80) - took.length - 1;
    const text = harmless(this.text).replace(/\s+/g, ' ');
    const shown = text.length > room ? `${text.slice(0, Math.max(room - 1, 0))}…` : text;
    this.terminal.write(`${eraseLine}${shown}${took}`);
    this.isDrawn = true;
  }
}

/** `7 s`, `2 min 7 s`. */
function elapsed(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
