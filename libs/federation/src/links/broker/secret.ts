// What the broker is shown to let us in: read from its file or variable for every dial, and kept nowhere.
import { open } from 'node:fs/promises';
import {
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import type { Authenticator } from '@nats-io/transport-node';
import { WritError } from '#protocol';
import type { BrokerOptions } from './options.js';

const secretBytesMax = 16_384;
const othersBits = 0o077;

/** @throws WritError `config_invalid` when there is no secret, or others of this machine can read it. */
export async function authenticatorOf(
  { auth, user = '', secretFile, secretEnv }: BrokerOptions,
  variable: (name: string) => string | undefined,
): Promise<Authenticator | undefined> {
  if (auth === 'none') return undefined;
  const secret = secretFile === undefined ? ofVariable(secretEnv ?? '', variable) : await ofFile(secretFile);
  if (auth === 'password') return usernamePasswordAuthenticator(user, secret);
  if (auth === 'token') return tokenAuthenticator(secret);
  // A credentials file is read by its lines, each of which has an end.
  const bytes = new TextEncoder().encode(`${secret}${auth === 'creds' ? '\n' : ''}`);
  return auth === 'nkey' ? nkeyAuthenticator(bytes) : credsAuthenticator(bytes);
}

function ofVariable(name: string, variable: (name: string) => string | undefined): string {
  const secret = variable(name)?.trim();
  if (secret) return secret;
  throw refused('secretEnv', `The variable ${name} is not set.`);
}

async function ofFile(path: string): Promise<string> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw refused('secretFile', `${path} cannot be read.`, cause);
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.size === 0 || stat.size > secretBytesMax)
      throw refused('secretFile', `${path} is no plain file of 1 to ${secretBytesMax} bytes.`);
    if ((stat.mode & othersBits) !== 0)
      throw refused('secretFile', `${path} can be read by others of this machine: chmod 600.`);
    return (await file.readFile('utf8')).trim();
  } finally {
    await file.close();
  }
}

function refused(field: string, detail: string, cause?: unknown): WritError {
  return new WritError('config_invalid', detail, { field: `broker.${field}`, cause });
}
