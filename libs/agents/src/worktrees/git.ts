// Worktrees room: git itself, as a child process that takes nothing from the host's configuration and runs nothing of a repository's.
import { WritError } from '#protocol';
import { startProcess } from '../processes/current.js';
import type { StartedProcess } from '../processes/starter.js';
import { signalProcess } from '../sandbox/process.js';
import { anonymous, type Access } from './remotes/access.js';
import { askDescriptor, serveAnswers } from './remotes/askpass.js';

export interface GitRun {
  readonly gitDir?: string;
  readonly workTree?: string;
  readonly input?: string | Buffer;
  readonly signal?: AbortSignal;
  /** Two minutes by default. */
  readonly timeMsMax?: number;
  /** Output beyond it is cut and git ended: 16 MiB by default. */
  readonly outputBytesMax?: number;
  /** The largest single file that git may write. */
  readonly fileBytesMax?: number;
  /** Set for a repository that somebody else named: which transports git may use for it. */
  readonly protocols?: string;
  /** More of the environment, for transports: proxies, certificates. */
  readonly env?: Readonly<Record<string, string>>;
  /** The key or token for a remote: none by default. */
  readonly access?: Access;
  readonly config?: readonly string[];
  /** How output becomes text: `utf8` by default; `latin1` loses nothing. */
  readonly encoding?: 'utf8' | 'latin1';
}

export interface GitOutput {
  readonly text: string;
  readonly truncated: boolean;
  /** What git said besides, though it went on. */
  readonly complaint: string;
}

/** Git said no. Its words may name paths and hosts: for the log only. */
export class GitFailure extends Error {
  override readonly name = 'GitFailure';
  /** As the system would have it: a disk of ours is full. */
  readonly code: 'ENOSPC' | undefined;

  constructor(
    readonly command: string,
    readonly complaint: string,
    /** It was ended because its time was up. */
    readonly isLate = false,
    /** What it said on standard output. */
    readonly output = '',
  ) {
    super(`git ${command}: ${complaint.trim() || 'ended without a word'}`);
    this.code = noRoom.test(complaint) ? 'ENOSPC' : undefined;
  }
}

const timeMsDefault = 120_000;
const outputBytesDefault = 16 * 2 ** 20;
const complaintBytesMax = 8_192;
const blockBytes = 512;
/** In git's own words: a disk of the other side is its own business. */
const noRoom = /^(?!remote:).*(No space left on device|Out of diskspace|Disk quota exceeded)/m;
/** What a shell ends with when there is no such program. */
const notFoundCode = 127;

/** Whatever a repository's own configuration or attributes could name as a program is overruled here. */
const config = [
  ...[
    'core.hooksPath=/dev/null',
    'core.fsmonitor=false',
    'core.attributesFile=/dev/null',
    'core.excludesFile=/dev/null',
  ],
  ...['core.pager=cat', 'core.sshCommand=', 'core.untrackedCache=false', 'credential.helper=', 'diff.external='],
  ...['http.followRedirects=false', 'http.sslVerify=true', 'core.askPass='],
  ...['diff.ignoreSubmodules=all', 'submodule.recurse=false', 'fetch.recurseSubmodules=false', 'commit.gpgSign=false'],
  ...[
    'protocol.ext.allow=never',
    'gc.auto=0',
    'maintenance.auto=false',
    'advice.addEmbeddedRepo=false',
    'safe.directory=*',
  ],
];

const environment = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  // curl would look for a .netrc in the home of the user.
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_LITERAL_PATHSPECS: '1',
  GIT_ASKPASS: '/bin/false',
  SSH_ASKPASS: '/bin/false',
  GIT_SSH_COMMAND: '/bin/false',
  GIT_OPTIONAL_LOCKS: '0',
  // Refs are files: some are read, and moved, without git.
  GIT_DEFAULT_REF_FORMAT: 'files',
  GIT_AUTHOR_NAME: 'Writ agent',
  GIT_AUTHOR_EMAIL: 'agent@writ.invalid',
  GIT_COMMITTER_NAME: 'Writ agent',
  GIT_COMMITTER_EMAIL: 'agent@writ.invalid',
};

/** @throws GitFailure, or the signal's reason when it was aborted; WritError `repository_unavailable` where there is no git. */
export async function git(args: readonly [string, ...string[]], run: GitRun = {}): Promise<GitOutput> {
  run.signal?.throwIfAborted();
  const child = await start(args, run);
  const time = { isUp: false };
  const timer = setTimeout(() => {
    time.isUp = true;
    end(child);
  }, run.timeMsMax ?? timeMsDefault);
  const abort = (): void => end(child);
  run.signal?.addEventListener('abort', abort, { once: true });
  if (run.signal?.aborted) abort();
  try {
    const { code, ...output } = await collect(child, run);
    run.signal?.throwIfAborted();
    if (code === notFoundCode && /\bgit: not found/.test(output.complaint)) throw noGit();
    if (code !== 0 && !output.truncated) throw new GitFailure(args[0], output.complaint, time.isUp, output.text);
    return output;
  } finally {
    clearTimeout(timer);
    run.signal?.removeEventListener('abort', abort);
  }
}

function noGit(): WritError {
  return new WritError(
    'repository_unavailable',
    'There is no git on this spoke: install it there (`apt-get install git`).',
  );
}

/** The first line of what git says. */
export async function gitLine(args: readonly [string, ...string[]], run: GitRun = {}): Promise<string> {
  const { text } = await git(args, run);
  return text.split('\n')[0] ?? '';
}

/** As git says it. @throws Error where there is none. */
export function gitVersion(): Promise<string> {
  return gitLine(['version']);
}

/** It waits for a word of ours: when we, or who starts processes for us, die before, it never becomes git. */
const gateScript = 'read -r go && [ "$go" = go ] && ulimit -f "$1" && shift && exec "$@"';

async function start(args: readonly string[], run: GitRun): Promise<StartedProcess> {
  const { gitDir, workTree, fileBytesMax } = run;
  const argv = [
    'git',
    ...[...config, ...(run.config ?? [])].flatMap((setting) => ['-c', setting]),
    ...(gitDir ? [`--git-dir=${gitDir}`] : []),
    ...(workTree ? [`--work-tree=${workTree}`] : []),
    ...args,
  ];
  const limit = fileBytesMax === undefined ? 'unlimited' : String(Math.ceil(fileBytesMax / blockBytes));
  const { env, answer } = run.access ?? anonymous;
  const child = await startProcess({
    argv: ['/bin/sh', '-c', gateScript, 'sh', limit, ...argv],
    cwd: workTree ?? '/',
    env: { ...run.env, ...environment, ...env, GIT_ALLOW_PROTOCOL: run.protocols ?? 'file' },
    pipes: answer ? askDescriptor + 1 : 3,
  });
  const ask = child.pipes[askDescriptor];
  if (answer && ask) serveAnswers(ask, answer);
  return child;
}

/** Git and the transports that it started are one process group. */
function end({ id }: StartedProcess): void {
  signalProcess(id, 'SIGKILL', 'group');
}

async function collect(child: StartedProcess, run: GitRun): Promise<GitOutput & { readonly code: number | null }> {
  const bytesMax = run.outputBytesMax ?? outputBytesDefault;
  const [pieces, complaints]: [Buffer[], Buffer[]] = [[], []];
  const [said, complained] = [{ bytes: 0 }, { bytes: 0 }];
  const [stdin, stdout, stderr] = child.pipes;
  stdin?.write('go\n');
  stdin?.end(run.input ?? '');
  stdout?.on('data', (piece: Buffer) => {
    keep(pieces, said, piece, bytesMax);
    if (said.bytes > bytesMax) end(child);
  });
  stderr?.on('data', (piece: Buffer) => keep(complaints, complained, piece, complaintBytesMax));
  const { code, signal } = await child.closed;
  const text = Buffer.concat(pieces)
    .subarray(0, bytesMax)
    .toString(run.encoding ?? 'utf8');
  const { hide } = run.access ?? anonymous;
  const complaint = hide(`${Buffer.concat(complaints).toString('utf8')}${signal ?? ''}`);
  return { text: hide(text), truncated: said.bytes > bytesMax, complaint, code };
}

function keep(pieces: Buffer[], kept: { bytes: number }, piece: Buffer, bytesMax: number): void {
  if (kept.bytes <= bytesMax) pieces.push(piece);
  kept.bytes += piece.length;
}
