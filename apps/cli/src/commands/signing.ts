// `writ keys show|rotate|export|sign|import`: the keys with which an instance speaks to its peers, and a root key kept elsewhere.
import { constants, copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { keyAlgorithm, signingKeys, signStatementDraft, SigningKey, WritError } from '#protocol';
import type { KeyAlgorithm, SigningKeys } from '#protocol';
import { Desk } from '../desk.js';
import { isExposed } from '../instances.js';
import type { World } from '../world.js';

type Shown = SigningKeys['keys'][number];

const columns = [
  { title: 'KEY', value: ({ kid }: Shown) => kid, whole: true as const },
  { title: 'ALGORITHM', value: ({ alg }: Shown) => alg },
  { title: 'SIGNS', value: ({ signing }: Shown) => (signing ? 'yes' : 'no') },
  { title: 'VERIFIES UNTIL', value: ({ until }: Shown) => until },
];
/** A statement is renewed in the middle of its seven days. */
const endingMs = 2 * 86_400_000;
const cures = {
  automatic: 'It should have been renewed by itself: see the log, and the clock of that machine.',
  failing: 'It could not be renewed: the folder keys/ cannot be written. See disk and permissions.',
  'by hand':
    'Sign a new one where the root is: writ keys export FILE, writ keys sign FILE --root KEY, writ keys import.',
} as const;
export const reasonOption = [
  '--reason <text>',
  'why; it goes into the records',
  'asked for on the command line',
] as const;

export function showSigning(desk: Desk, shown: SigningKeys): void {
  if (desk.print.form === 'json') {
    desk.print.json(shown);
    return;
  }
  desk.print.list(shown.keys, columns, '');
  if (desk.print.form === 'plain') return;
  const { id, rootHere, statement, waits, revoked } = shown;
  const leftMs = Date.parse(statement.expiresAt) - Date.now();
  const holds = leftMs > 0 ? 'holds until' : 'RAN OUT at';
  desk.print.say(`Root ${id}${rootHere ? '' : ', kept elsewhere'}. The statement ${holds} ${statement.expiresAt}.`);
  if (leftMs < endingMs) desk.print.say(cures[shown.renewal]);
  if (revoked.length > 0) desk.print.say(`Revoked: ${revoked.map(({ kid }) => kid).join(', ')}`);
  if (waits)
    desk.print.say(
      'A change waits for the root: writ keys export FILE, writ keys sign FILE --root KEY, writ keys import.',
    );
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(resolve(file), 'utf8'));
  } catch (cause) {
    throw new WritError('invalid_request', `${file} cannot be read as JSON.`, { field: 'file', cause });
  }
}

function refuseOld(file: string): string {
  const target = resolve(file);
  if (existsSync(target)) throw new WritError('invalid_request', `${target} exists already.`, { field: 'file' });
  return target;
}

/** The instance lays it out beside its other keys, so that the root never travels; from there it is taken away. */
async function exportRoot(desk: Desk, file: string, reason: string): Promise<void> {
  const target = refuseOld(file);
  const { path } = await desk.with('either', (client) => client.signing.park(reason));
  if (!existsSync(path)) {
    desk.world.err(`The root key is on the machine of the instance: take ${path} away from there.\n`);
    desk.failed();
    return;
  }
  copyFileSync(path, target, constants.COPYFILE_EXCL);
  rmSync(path);
  desk.print.one({ root: target }, [['root key', target]]);
  desk.print.say(
    'It is not on the instance any more. Whoever has this file is the instance: keep it offline, and a copy.',
  );
}

async function exportPublic(desk: Desk, file: string): Promise<void> {
  const target = refuseOld(file);
  const shown = await desk.with('either', (client) => client.signing.show());
  writeFileSync(target, `${JSON.stringify(shown, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  desk.print.one({ file: target }, [['keys', target]]);
}

/** Works without an instance and without a network. */
function sign(desk: Desk, file: string, rootFile: string): void {
  const parsed = signingKeys.safeParse(readJson(file));
  const request = parsed.data?.request;
  if (!request)
    throw new WritError(
      'invalid_request',
      `${file} asks for nothing: make it with \`writ keys export\` where the root key is kept elsewhere.`,
    );
  if (isExposed(rootFile))
    throw new WritError('config_invalid', `Others can read the root key: run \`chmod 600 ${rootFile}\`.`);
  const root = SigningKey.fromJwk(readJson(rootFile));
  desk.world.out(`${signStatementDraft(root, request, Math.floor(Date.now() / 1_000))}\n`);
}

export function addSigning(keys: Command, world: World): void {
  keys
    .command('show')
    .description('The keys with which the instance speaks to its peers')
    .action(async (_options, command: Command) => {
      const desk = new Desk(world, command);
      showSigning(desk, await desk.with('either', (client) => client.signing.show()));
    });
  keys
    .command('rotate')
    .description('Sign with a new key from now on; the one before verifies for ten minutes more (admin)')
    .addOption(new Option('--alg <algorithm>', 'the same as before by default').choices(keyAlgorithm.options))
    .option(...reasonOption)
    .action(async ({ alg, reason }: { alg?: KeyAlgorithm; reason: string }, command: Command) => {
      const desk = new Desk(world, command);
      showSigning(desk, await desk.with('either', (client) => client.signing.rotate({ alg, reason })));
    });
  keys
    .command('export <file>')
    .description('Write public keys and statement to a file; with --root take the root key off the machine (admin)')
    .option('--root', 'the private root key: it is then no longer where the instance runs')
    .option(...reasonOption)
    .addHelpText('after', offline)
    .action(async (file: string, { root, reason }: { root?: true; reason: string }, command: Command) => {
      const desk = new Desk(world, command);
      await (root ? exportRoot(desk, file, reason) : exportPublic(desk, file));
    });
  keys
    .command('sign <file>')
    .description('Sign what an export asks for, where the root key is; asks no instance')
    .requiredOption('--root <file>', 'the root key')
    .action((file: string, { root }: { root: string }, command: Command) => sign(new Desk(world, command), file, root));
  keys
    .command('learn <peer> <file>')
    .description('Take the newest keys of a peer from a file, revocations above all, when no link brings them (admin)')
    .option(...reasonOption)
    .addHelpText('after', learning)
    .action(async (peer: string, file: string, { reason }: { reason: string }, command: Command) => {
      const desk = new Desk(world, command);
      const token = statementIn(file);
      const learned = await desk.with('either', (client) => client.signing.learn({ peer, token, reason }));
      desk.print.one(learned, [
        ['peer', learned.name],
        ['speaks with', learned.keys.map(({ kid }) => kid).join(', ')],
        ['revoked', learned.revoked.map(({ kid }) => kid).join(', ') || 'none'],
        ['until', learned.expiresAt],
      ]);
    });
  keys
    .command('import <statement>')
    .description('Hand a statement that the root signed elsewhere to the instance: a file (admin)')
    .option(...reasonOption)
    .action(async (file: string, { reason }: { reason: string }, command: Command) => {
      const desk = new Desk(world, command);
      const token = readFileSync(resolve(file), 'utf8').trim();
      showSigning(desk, await desk.with('either', (client) => client.signing.adopt({ token, reason })));
    });
}

/** The file that `writ keys export` wrote over there, or the bare statement. */
function statementIn(file: string): string {
  const text = readFileSync(resolve(file), 'utf8').trim();
  if (!text.startsWith('{')) return text;
  const shown = signingKeys.safeParse(readJson(file));
  if (shown.success) return shown.data.statement.token;
  throw new WritError('invalid_request', `${file} is not what \`writ keys export\` writes.`, { field: 'file' });
}

const learning = `
A key that was revoked counts here from the moment the new statement arrives, which is at once while a link stands. When none
does, the file that \`writ keys export\` writes on the other side brings it; the pinned root is what it is verified with.

Examples:
  writ keys export keys.json                                  # on the side that revoked
  writ keys learn hub keys.json --reason "its key is stolen"  # on the side that shall know`;

const offline = `
A root key that is kept elsewhere signs a new statement at least every seven days:
  writ keys export --root /media/stick/root.json   # once; nobody can be paired with while it is away
  writ keys export ask.json                         # then every few days, and after each rotate or revoke
  writ keys sign ask.json --root /media/stick/root.json > statement.txt
  writ keys import statement.txt`;
