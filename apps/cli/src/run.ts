// One run of the command line: parse, act, and turn whatever went wrong into a line and an exit code.
import { CommanderError } from 'commander';
import { WritProblem } from '#client';
import { describeError, problemOf, WritError } from '#protocol';
import { shielded, unshield } from './dashed.js';
import { Declined } from './desk.js';
import { exitCodeOf, exitCodes } from './exit.js';
import { harmless } from './printer.js';
import { noProgress } from './progress/progress.js';
import { buildProgram } from './program.js';
import { watch, Watched, type Look } from './watch.js';
import type { World } from './world.js';

/** Resolves with the exit code; never rejects. */
export async function run(argv: readonly string[], world: World, version: string): Promise<number> {
  try {
    await unshield(buildProgram(world, version)).parseAsync(shielded(argv), { from: 'user' });
    return world.exitCode;
  } catch (error) {
    if (error instanceof Watched) return await watch(() => look(argv, world, version), error, world);
    return explain(error, world, wantsJson(argv));
  } finally {
    world.progress.clear();
  }
}

async function look(argv: readonly string[], world: World, version: string): Promise<Look> {
  const page = { out: '', err: '' };
  const out = (text: string) => void (page.out += text);
  const err = (text: string) => void (page.err += text);
  const silent = { out, err, progress: noProgress, interactive: false };
  const seen: World = { ...world, ...silent, isWatched: true, exitCode: 0 };
  return { code: await run(argv, seen, version), ...page };
}

function wantsJson(argv: readonly string[]): boolean {
  return /(^| )(-o ?|--output[ =])json( |$)/.test(argv.join(' '));
}

function explain(error: unknown, world: World, asJson: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (error instanceof Declined) return say(world, 'Nothing was done.', exitCodes.refused);
  if (world.signal.aborted) return 130;
  if (!(error instanceof WritError)) return say(world, unexpected(error), exitCodes.failed);
  const problem = error instanceof WritProblem ? error.problem : { ...problemOf(error), next: nextHere(error) };
  if (asJson) return say(world, JSON.stringify(problem), exitCodeOf(error.code));
  return say(world, `writ: ${error.detail}\n${problem.next}${reference(problem.instance)}`, exitCodeOf(error.code));
}

/** What went wrong before anything was sent wants another next step than the same code from an instance. */
function nextHere({ code, detail, field }: WritError): string {
  if (field === '--yes') return 'Nothing was done.';
  if (code === 'peer_unavailable' && detail.includes('not trusted'))
    return 'Name the authority that vouches for it with --ca FILE.';
  if (code === 'peer_unavailable') return 'See what is wrong with `writ doctor`.';
  return code === 'invalid_request' ? 'See `writ --help`.' : describeError(code).next;
}

const reference = (instance: string | undefined) => (instance === undefined ? '' : `\n(${instance})`);

function unexpected(error: unknown): string {
  return `writ: something failed here: ${error instanceof Error ? error.message : String(error)}`;
}

function say(world: World, text: string, code: number): number {
  world.err(`${harmless(text)}\n`);
  return code;
}
