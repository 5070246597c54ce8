// `--watch`: the same look again and again. On a terminal it is drawn anew in place; where there is none only what is new is
// printed, line by line. Each look is a whole run of the command with a page of its own to write on.
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { exitCodes } from './exit.js';
import { Screen } from './top/screen.js';
import type { World } from './world.js';

const everySDefault = 2;

/** Thrown by a command that is to be watched, before it does anything. */
export class Watched extends Error {
  constructor(readonly everyMs: number) {
    super('watched');
  }
}

/** One look: what it printed, and how it ended. */
export interface Look {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Gives a command that only looks the option `--watch`. */
export function takesWatch(command: Command, world: World): Command {
  return command
    .option('--watch [seconds]', `look again every so often, ${everySDefault} s by default; Ctrl-C ends it`, seconds)
    .hook('preAction', (_program, action) => {
      const { watch } = action.opts<{ watch?: number | true }>();
      if (watch === undefined || world.isWatched) return;
      throw new Watched((watch === true ? everySDefault : watch) * 1_000);
    });
}

function seconds(text: string): number {
  const given = Number(text);
  if (Number.isFinite(given) && given >= 0.5 && given <= 3_600) return given;
  throw new InvalidArgumentError('0.5 to 3600 seconds.');
}

/** Until Ctrl-C. What no second look can mend (wrong usage, no right, no such thing) ends it at once. */
export async function watch(look: () => Promise<Look>, { everyMs }: Watched, world: World): Promise<number> {
  const first = await look();
  const isHopeless = [exitCodes.usage, exitCodes.refused, exitCodes.notFound].some((code) => code === first.code);
  if (!isHopeless)
    return world.tty && world.interactive ? drawn(look, first, everyMs, world) : told(look, first, everyMs, world);
  world.out(first.out);
  world.err(first.err);
  return first.code;
}

async function drawn(look: () => Promise<Look>, first: Look, everyMs: number, world: World): Promise<number> {
  using screen = new Screen(world, process.stdin);
  for (let seen = first; !screen.over.aborted; seen = await look()) {
    screen.draw(`${seen.err}${seen.out}`.trimEnd().split('\n').slice(0, screen.size().rows));
    await sleep(everyMs, undefined, { signal: screen.over }).catch(() => undefined);
  }
  return exitCodes.ok;
}

async function told(look: () => Promise<Look>, first: Look, everyMs: number, world: World): Promise<number> {
  let before: Look = { code: 0, out: '', err: '' };
  for (let seen = first; !world.signal.aborted; seen = await look()) {
    for (const line of newLines(before.err, seen.err)) world.err(`${line}\n`);
    for (const line of newLines(before.out, seen.out)) world.out(`${line}\n`);
    // A look that failed shows nothing: what was seen before it is still the last that is known.
    before = { ...seen, out: seen.out === '' && seen.code !== 0 ? before.out : seen.out };
    await sleep(everyMs, undefined, { signal: world.signal }).catch(() => undefined);
  }
  return exitCodes.ok;
}

/** A JSON document is one line, and new when anything in it is. */
function newLines(before: string, now: string): string[] {
  const known = new Set(linesOf(before));
  return linesOf(now).filter((line) => !known.has(line));
}

function linesOf(text: string): string[] {
  if (!/^[[{]/.test(text)) return text.split('\n').filter((line) => line !== '');
  return [JSON.stringify(JSON.parse(text))];
}
