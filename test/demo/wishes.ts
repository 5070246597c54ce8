// What the user asks of the demo, looked at before anything is started: whatever is wrong is told at once, with what to do.
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { readScript } from '../../apps/understudy/src/script.js';

export interface Wishes {
  readonly json: boolean;
  /** Leave hub and spokes running at the end, until Ctrl-C. */
  readonly keep: boolean;
  /** The user's own repository; the sample by default. */
  readonly repository?: OwnRepository;
  /** File with the script of the first spoke's model; the sample's repair by default. */
  readonly script?: string;
}

interface OwnRepository {
  readonly folder: string;
  readonly url: string;
  /** The one that is checked out there. */
  readonly branch: string;
}

/** The user's to mend: told without a stack, exit code 2. */
export class WrongUsage extends Error {}

const usage = 'usage: npm run demo -- [--json] [--keep] [--repo PATH] [--script FILE]';

/** @throws WrongUsage that names the flag, what is wrong with it, and what to do */
export async function readWishes(argv: readonly string[]): Promise<Wishes> {
  const { json = false, keep = false, repo, script } = flagsOf(argv);
  return {
    ...{ json, keep },
    ...(repo !== undefined && { repository: repositoryAt(resolve(repo)) }),
    ...(script !== undefined && { script: await scriptAt(resolve(script)) }),
  };
}

function flagsOf(argv: readonly string[]) {
  const [flag, text] = [{ type: 'boolean' }, { type: 'string' }] as const;
  try {
    return parseArgs({ args: [...argv], options: { json: flag, keep: flag, repo: text, script: text } }).values;
  } catch (error) {
    throw new WrongUsage(`${messageOf(error)}\n${usage}`, { cause: error });
  }
}

function repositoryAt(folder: string): OwnRepository {
  const wrong = (what: string) => new WrongUsage(`--repo ${folder}: ${what}`);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw wrong('there is no such folder. Give the path of a git repository on this machine.');
  const inside = asked(folder, 'rev-parse', '--show-prefix');
  if (inside === undefined)
    throw wrong('it is no git repository, or git refuses to read it. Try `git status` there; `git init` makes one.');
  if (inside !== '') throw wrong(`it is a folder inside a repository. Give the top one, without ${inside}`);
  if (asked(folder, 'rev-parse', '--verify', '--quiet', 'HEAD^{commit}') === undefined)
    throw wrong('it has no commit yet, and agents start from one. Commit something there first.');
  const branch = asked(folder, 'symbolic-ref', '--short', '--quiet', 'HEAD');
  if (branch === undefined) throw wrong('no branch is checked out there. Run `git switch` with the branch to work on.');
  return { folder, url: pathToFileURL(folder).href, branch };
}

/** What git says there; undefined when it refuses. */
function asked(folder: string, ...args: string[]): string | undefined {
  try {
    return execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return undefined;
  }
}

async function scriptAt(file: string): Promise<string> {
  try {
    await readScript(file);
    return file;
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code !== undefined;
    const why = error instanceof SyntaxError ? `it is not JSON: ${error.message}.` : messageOf(error);
    const what = missing ? 'it cannot be read. Give the path of a JSON file.' : why;
    throw new WrongUsage(`--script ${file}: ${what}\napps/understudy/README.md says how a script is written.`, {
      cause: error,
    });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
