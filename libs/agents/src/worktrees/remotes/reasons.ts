// Remotes room: why a remote could not be used, in a sentence of ours that says what to do. Git's own words may name paths, hosts
// and whatever a server chose to say: they go to the log.
import type { GitFailure } from '../git.js';

/** Git says nothing of its index-pack but that it ended, when that met the limit on one file. */
const sentences: readonly (readonly [RegExp, string])[] = [
  [
    /Host key verification failed/,
    'The host does not show the key that is pinned for it, or none is pinned. Find out why before you change the file of known hosts.',
  ],
  [/not allowed|transport '/, 'This spoke does not use this transport: https and ssh only.'],
  [
    /returned error: 30\d|unable to update url base from redirection/,
    'The repository has moved: the host redirects, which is not followed. Name its new URL.',
  ],
  [
    /Authentication failed|could not read (Username|Password)|Permission denied|returned error: 40[13]|Load key/,
    'The host does not let this spoke in: the key or token under `remotes` is missing, expired or may not do that.',
  ],
  [
    /not found|does not appear to be a git repository|returned error: 404/,
    'There is no such repository, or the key or token under `remotes` does not show it.',
  ],
  [
    /SIGXFSZ|signal 25|File too large|^fatal: fetch-pack: invalid index-pack output\s*$/,
    'The repository is too large: `repositories.bytesMax` of the spoke is the limit.',
  ],
  [/[Cc]ertificate|SSL/, 'The host does not prove who it is: its certificate is not valid here.'],
  [
    /Could not resolve|Failed to connect|Connection (refused|reset|timed out)|No route|unable to access/,
    'The host cannot be reached from this spoke.',
  ],
];

/** For a hub and for people. */
export function reasonOf(failure: GitFailure, timeMsMax: number): string {
  if (failure.isLate)
    return `The repository took longer than ${timeMsMax} ms: \`repositories.fetchMs\` of the spoke is the limit.`;
  const own = ownWords(failure.complaint);
  const [, sentence] = sentences.find(([pattern]) => pattern.test(own)) ?? [];
  return sentence ?? 'The repository does not answer as git does, or does not let this spoke in.';
}

/** Without what the server said. */
export function ownWords(complaint: string): string {
  return complaint
    .split('\n')
    .filter((line) => !line.startsWith('remote:'))
    .join('\n');
}
