// `writ hub` and `writ spoke`: start an instance, in the foreground as a child, or (for `writ join`) in the background.
import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WritError } from '#protocol';
import { Desk } from '../desk.js';
import { runningIn, stateDir } from '../instances.js';
import type { Running } from '../instances.js';
import type { Role, World } from '../world.js';

const startMs = 20_000;

interface StartOptions {
  readonly port?: string;
  readonly host?: string;
  readonly config?: string;
  readonly name?: string;
}

function argvOf(role: Role, dir: string, options: StartOptions): string[] {
  const main = fileURLToPath(new URL(`../../../../bundle/${role}.js`, import.meta.url));
  const flags = Object.entries<string | undefined>({ state: dir, ...options }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
  return ['--disable-warning=ExperimentalWarning', main, ...flags];
}

/** Signals go on to the child, which shuts down gracefully; its exit code becomes ours. */
async function foreground(world: World, argv: string[]): Promise<void> {
  const child = spawn(process.execPath, argv, { stdio: 'inherit' });
  const forward = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGTERM', forward).on('SIGINT', forward).on('SIGHUP', forward);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  child.once('error', reject);
  child.once('exit', (code, signal) => resolve(signal ? 128 + constants.signals[signal] : (code ?? 1)));
  world.exitCode = await promise;
}

/** Starts an instance that outlives this command; its log goes to `<role>.log` in its state folder; the first key, on its standard output, to no file but `cli.key`. */
export async function startInBackground(role: Role, dir: string, options: StartOptions = {}): Promise<Running> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const log = openSync(join(dir, `${role}.log`), 'a', 0o600);
  const child = spawn(process.execPath, argvOf(role, dir, options), {
    stdio: ['ignore', 'ignore', log],
    detached: true,
  });
  closeSync(log);
  child.unref();
  child.once('error', () => undefined);
  const deadline = Date.now() + startMs;
  while (Date.now() < deadline && child.exitCode === null) {
    const running = runningIn(dir);
    if (running) return running;
    await sleep(50);
  }
  throw new WritError('peer_unavailable', `The ${role} did not start: see ${join(dir, `${role}.log`)}.`);
}

/** Two on one folder would take each other's announcement away. @throws WritError `invalid_request` */
function refuseSecond(role: Role, dir: string): void {
  const running = runningIn(dir);
  if (!running) return;
  const { url, pid } = running;
  throw new WritError(
    'invalid_request',
    `A ${role} runs on ${dir} already: ${url}, process ${pid}. Stop it (kill ${pid}) or name another folder with --state.`,
    { field: '--state' },
  );
}

function start(role: Role, world: World): (options: StartOptions, command: Command) => Promise<void> {
  return async (options, command) => {
    const { flags } = new Desk(world, command);
    const { port, host, config, name } = options;
    const dir = stateDir(world, flags, role);
    refuseSecond(role, dir);
    await foreground(world, argvOf(role, dir, { port, host, config, name }));
  };
}

export function addStart(program: Command, world: World): void {
  for (const [role, what] of [
    ['hub', 'Start a hub: it sends signed commands to partners’ spokes'],
    ['spoke', 'Start a spoke: it runs agents here, for you and for hubs you have granted it'],
  ] as const) {
    program
      .command(role)
      .summary(what)
      .description(
        `${what}.\nKeeps everything in its state folder (--state, ~/.writ/${role} by default). The first start makes an admin key, shown once on a terminal and left in cli.key.`,
      )
      .option('--port <n>', 'port to listen on')
      .option('--host <address>', 'address to listen on; loopback unless keys exist')
      .option('--config <file>', 'configuration as JSON')
      .option('--name <name>', 'how this instance calls itself')
      .addHelpText(
        'after',
        `\nExamples:\n  writ ${role}\n  writ ${role} --state /var/lib/writ --port 7300 --name ${role}-berlin`,
      )
      .action(start(role, world));
  }
}
