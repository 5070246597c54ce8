// Set-up for `npm run demo`, `npm test` and the rest, written for whatever Node the host has:
// installs the dependencies when they are missing or not those of the lock file, with --build compiles the sources, and with
// --run ARGS… goes on with the Node that was brought along. (A shell would still use the old one: it remembers where it found it.)
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(root, 'node_modules');
const stamp = join(modules, '.writ-installed');

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  const why = error ? `: ${error.message}` : '';
  console.error(
    `writ: \`${command} ${args.join(' ')}\` failed${why}. Mend what it names above and run the same command again.`,
  );
  process.exit(status || 1);
}

function wanted() {
  const hash = createHash('sha256');
  for (const file of ['package.json', 'package-lock.json'])
    if (existsSync(join(root, file))) hash.update(readFileSync(join(root, file)));
  return hash.digest('hex');
}

/** A linked node_modules (a second git worktree) belongs to the checkout that it points to. */
function isInstalled() {
  if (!existsSync(modules)) return false;
  if (lstatSync(modules).isSymbolicLink()) return true;
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted();
}

/** The Node of the dependencies where there is one for this platform, else the one that runs this. */
function nodeBroughtAlong() {
  const path = join(modules, '.bin', 'node');
  return existsSync(path) ? path : process.execPath;
}

function goOn(args) {
  const bin = join(modules, '.bin');
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  const child = spawn(nodeBroughtAlong(), args, { cwd: root, stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`writ: Node could not be started: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => process.exit(signal ? 1 : code));
}

if (!isInstalled()) {
  run('npm', ['install', '--loglevel=error']);
  writeFileSync(stamp, wanted());
}
const given = process.argv.slice(2);
const runAt = given.indexOf('--run');
const flags = runAt === -1 ? given : given.slice(0, runAt);
if (flags.includes('--build')) run('npm', ['run', '--silent', 'build']);
if (runAt !== -1) goOn(given.slice(runAt + 1));
