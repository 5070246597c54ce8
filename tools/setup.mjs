// Set-up for `npm run demo`, `npm test` and the rest, written for whatever Node the host has:
// installs the dependencies when they are missing or not those of the lock file, and with --build compiles the sources.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

if (!isInstalled()) {
  run('npm', ['install']);
  writeFileSync(stamp, wanted());
}
if (process.argv.includes('--build')) run('npm', ['run', '--silent', 'build']);
