// Weather for a tap on the wire: whole messages are held up, lost, doubled, swapped, changed in a bit, or nothing passes though the
// link stands. Whole messages, so that the checks of the receivers are tried and not the framing of a WebSocket.
import type { Weather } from './tap.js';

export const ways = ['delay', 'drop', 'duplicate', 'reorder', 'flip', 'half-open', 'cut'] as const;
export type Way = (typeof ways)[number];

const delayMs = 100;

/** Numbers below 1, the same ones for the same seed. */
function dice(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function flipped(text: string, at: number): string {
  return `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`;
}

export class Chaos {
  /** How many messages it did something to since `turn`. */
  touched = 0;
  private way: Way | 'none' = 'none';
  private held: (() => void) | undefined;
  private readonly roll: () => number;

  constructor(seed: number) {
    this.roll = dice(seed);
  }

  /** From now on; `none` is an honest network. What is held back for a swap passes first. */
  turn(way: Way | 'none'): void {
    this.held?.();
    this.held = undefined;
    [this.way, this.touched] = [way, 0];
  }

  readonly weather: Weather = (text, pass) => {
    if (this.way === 'none' || this.way === 'cut') {
      pass(text);
      return;
    }
    if (this.way !== 'half-open' && this.roll() < 0.5) {
      pass(text);
      return;
    }
    this.touched += 1;
    this.does[this.way](text, pass);
  };

  private readonly does: Record<Exclude<Way, 'cut'>, Weather> = {
    delay: (text, pass) => void setTimeout(pass, this.roll() * delayMs, text),
    drop: () => undefined,
    'half-open': () => undefined,
    duplicate: (text, pass) => {
      pass(text);
      pass(text);
    },
    reorder: (text, pass) => {
      const before = this.held;
      this.held = () => pass(text);
      before?.();
    },
    flip: (text, pass) => pass(flipped(text, Math.floor(this.roll() * text.length))),
  };
}
