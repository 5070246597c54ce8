// Remotes room: which key or token is for which repository. The first remote whose pattern matches the whole URL counts; what no
// remote speaks of is asked for without any credential, and over ssh not at all.
import { compilePattern, WritError } from '#protocol';
import { anonymous, httpsAccess, sshAccess, type Access } from './access.js';
import { layAskpass } from './askpass.js';
import type { Remote, RemoteOptions } from './options.js';

export interface RemotesGiven {
  readonly remotes: RemoteOptions;
  /** Where the askpass script goes. */
  readonly folder: string;
  /** A variable of the spoke's environment, read when it is needed. */
  readonly variable: (name: string) => string | undefined;
}

export class Remotes {
  #askpass?: Promise<string>;

  constructor(private readonly given: RemotesGiven) {}

  /** Of one call of git. @throws WritError `repository_unavailable` that says what the admin of the spoke has to do. */
  async access(repository: string): Promise<Access> {
    if (repository.startsWith('file:')) return anonymous;
    if (repository.startsWith('http:')) throw refused('This spoke fetches over https and ssh only.');
    const remote = remoteOf(this.given.remotes, repository);
    if (repository.startsWith('https:')) return remote?.https ? this.#https(repository, remote.https) : anonymous;
    if (remote?.ssh) return sshAccess(remote.ssh);
    throw refused('This spoke has no SSH key for this repository: its admin names one under `remotes`.');
  }

  async #https(repository: string, https: NonNullable<Remote['https']>): Promise<Access> {
    const { folder, variable } = this.given;
    const laid = (this.#askpass ??= layAskpass(folder));
    laid.catch(() => (this.#askpass = undefined));
    return httpsAccess(repository, https, { askpass: await laid, variable });
  }
}

/** The first that matches. */
export function remoteOf(remotes: RemoteOptions, repository: string): Remote | undefined {
  return remotes.find(({ repositories }) => repositories.some((one) => compilePattern(one)(repository)));
}

function refused(detail: string): WritError {
  return new WritError('repository_unavailable', detail, { field: 'context.repository' });
}
