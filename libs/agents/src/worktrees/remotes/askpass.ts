// Remotes room: how a token gets to git. Git runs a script for every question that it has; the script passes the question on over a
// socket that it inherited from us and prints what comes back. The token is in no argument, variable or file, and it is given to
// one question only: the password of one user at one host over TLS.
import { randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

/** Where the script finds the socket. */
export const askDescriptor = 3;

/** All of it is built into the shell, so that the answer is in no argument either. */
const script = `#!/bin/sh
printf '%s\\n' "$1" >&${askDescriptor} && IFS= read -r answer <&${askDescriptor} && [ -n "$answer" ] && printf '%s\\n' "$answer"
`;
const questionBytesMax = 8_192;

/** What git asks, word for word; undefined refuses. */
export type Answer = (question: string) => string | undefined;

/** Writes the script into a folder of ours and returns its path. */
export async function layAskpass(folder: string): Promise<string> {
  const path = join(folder, 'askpass');
  const draft = `${path}.${randomUUID()}`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(draft, script, { mode: 0o700 });
  await rename(draft, path);
  return path;
}

/** Answers line by line until the socket closes. */
export function serveAnswers(socket: Duplex, answer: Answer): void {
  let pending = '';
  socket.on('error', () => undefined);
  socket.on('data', (piece: Buffer) => {
    const lines = (pending + piece.toString('utf8')).split('\n');
    pending = lines.pop() ?? '';
    for (const question of lines) socket.write(`${answer(question) ?? ''}\n`);
    if (pending.length > questionBytesMax) socket.destroy();
  });
}

/** The token for this user at this host over TLS, and nothing for any other question. */
export function tokenFor(url: string, username: string, token: string): Answer {
  const { host } = new URL(url);
  return (question) => {
    const [, what, place = ''] = /^(Username|Password) for '(https:\/\/[^']+)': $/.exec(question) ?? [];
    if (!what || !URL.canParse(place)) return undefined;
    const asked = new URL(place);
    if (asked.host !== host) return undefined;
    if (what === 'Username') return username;
    return asked.username === username ? token : undefined;
  };
}
