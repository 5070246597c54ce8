// The terminal while `writ top` runs: a screen of its own, given back as it was however it ends.
import type { ReadStream } from 'node:tty';
import type { World } from '../world.js';
import type { Size } from './frame.js';

/** Ctrl-C and Ctrl-D, as a terminal in raw mode gives them. */
const endOfText = '\x03';
const endOfTransmission = '\x04';
const enter = '\x1b[?1049h\x1b[?25l';
const leave = '\x1b[?25h\x1b[?1049l';
const home = '\x1b[H';
const clearLine = '\x1b[K';
const clearBelow = '\x1b[J';

export class Screen implements Disposable {
  /** Aborted by `q`, Ctrl-C and Ctrl-D. */
  readonly over: AbortSignal;
  private readonly quit = new AbortController();

  constructor(
    private readonly world: World,
    private readonly input: ReadStream,
  ) {
    this.over = AbortSignal.any([world.signal, this.quit.signal]);
    this.input.setRawMode(true).on('data', this.pressed).resume();
    world.out(enter);
  }

  size(): Size {
    const { columns, rows } = process.stdout;
    return { columns: columns || 80, rows: rows || 24 };
  }

  /** Over what stands there, so that nothing flickers. */
  draw(lines: readonly string[]): void {
    this.world.out(`${home}${lines.map((line) => `${line}${clearLine}`).join('\r\n')}${clearBelow}`);
  }

  [Symbol.dispose](): void {
    this.input.off('data', this.pressed).setRawMode(false).pause();
    this.world.out(leave);
  }

  private readonly pressed = (keys: Buffer): void => {
    if (['q', endOfText, endOfTransmission].some((key) => keys.includes(key))) this.quit.abort();
  };
}
