// Remotes room: files with a secret in them. One that others of this machine can read is refused, as ssh does it: who
// could read it may have done so.
import type { Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { WritError } from '#protocol';

const fileBytesMax = 16_384;
const othersBits = 0o077;
/** One line of visible ASCII: what a header can carry. */
const tokenShape = /^[\x21-\x7e]{1,4096}$/;

/** @throws WritError `repository_unavailable` when it cannot be read, or can be by others. */
export async function refuseOpenKey(path: string): Promise<void> {
  await readSecret(path, 'key file');
}

/** @throws WritError as above, and when it holds no token. */
export async function readToken(path: string): Promise<string> {
  return checkedToken((await readSecret(path, 'token file')).trim(), 'The token file');
}

/** @throws WritError `repository_unavailable` */
export function checkedToken(text: string, place: string): string {
  if (tokenShape.test(text)) return text;
  throw refused(`${place} for this repository holds no token: one line of 1 to 4,096 visible characters.`);
}

/** The path is for the log alone: the message may go to a hub. */
async function readSecret(path: string, what: string): Promise<string> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw refused(`The ${what} for this repository cannot be read: the admin of the spoke mends it.`, cause);
  });
  try {
    judge(await file.stat(), path, what);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function judge(stat: Stats, path: string, what: string): void {
  const cause = new Error(`${path} has mode ${(stat.mode & 0o777).toString(8)}`);
  if (!stat.isFile() || stat.size > fileBytesMax)
    throw refused(`The ${what} for this repository is no plain file of at most ${fileBytesMax} bytes.`, cause);
  if ((stat.mode & othersBits) !== 0)
    throw refused(
      `The ${what} for this repository can be read by others of its machine. It is not used: the admin of the spoke makes it readable to its owner alone (chmod 600).`,
      cause,
    );
}

function refused(detail: string, cause?: unknown): WritError {
  return new WritError('repository_unavailable', detail, { field: 'context.repository', cause });
}
