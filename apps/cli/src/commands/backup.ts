// `writ backup` and `writ restore`: what an instance is, in one file, and an instance made of it.
import { spawn } from 'node:child_process';
import { constants, copyFileSync, existsSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { WritError } from '#protocol';
import { Desk } from '../desk.js';
import { runningIn, stateDir } from '../instances.js';
import type { World } from '../world.js';

/** The instance writes beside its own keys, so that no key travels; from there it is taken to where it is wanted. */
async function backup(desk: Desk, file: string): Promise<void> {
  const target = resolve(file);
  if (existsSync(target)) throw new WritError('invalid_request', `${target} exists already.`, { field: 'file' });
  const made = await desk.with('either', (client) => {
    desk.wait('Writing store and keys into one file');
    return client.backup();
  });
  if (!existsSync(made.path)) {
    desk.world.err(`The backup is on the machine of the instance: ${made.path}. It holds its keys.\n`);
    desk.failed();
    return;
  }
  copyFileSync(made.path, target, constants.COPYFILE_EXCL);
  rmSync(made.path);
  desk.print.one({ ...made, path: target }, [
    ['backup', target],
    ['bytes', made.bytes],
    ['made at', made.madeAt],
  ]);
  desk.print.say('It holds the keys of the instance: keep it as you keep them.');
}

async function restore(desk: Desk, file: string): Promise<void> {
  const { world, flags } = desk;
  const folders = (['hub', 'spoke'] as const).map((role) => stateDir(world, flags, role));
  const running = folders.find((folder) => flags.state !== undefined && runningIn(folder));
  if (running) throw new WritError('invalid_request', `An instance runs on ${running}.`, { field: '--state' });
  const main = fileURLToPath(new URL('../../../../libs/store/src/restore.main.js', import.meta.url));
  const argv = ['--disable-warning=ExperimentalWarning', main, resolve(file), ...folders];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  desk.wait(`Making a state folder of ${file}`);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (out === '') throw new WritError('invalid_request', err.trim(), { field: 'file' });
  const { role, name, folder, madeAtMs } = JSON.parse(out) as Record<'role' | 'name' | 'folder', string> & {
    madeAtMs: number;
  };
  const madeAt = new Date(madeAtMs).toISOString();
  desk.print.one({ role, name, folder, madeAt }, [
    [role, name],
    ['as of', madeAt],
    ['in', folder],
  ]);
  desk.print.say(`Start it with \`writ ${role} --state ${folder}\`. The one it was made of must not run any more.`);
}

export function addBackup(program: Command, world: World): void {
  program
    .command('backup <file>')
    .description('Store and keys of the running instance in one file, 0600; worktrees are not in it (admin)')
    .action((file: string, _flags, command: Command) => backup(new Desk(world, command), file));
  program
    .command('restore <file>')
    .description('Make a state folder of a backup: of --state, or of ~/.writ/hub or ~/.writ/spoke; it has to be empty')
    .action((file: string, _flags, command: Command) => restore(new Desk(world, command), file));
}
