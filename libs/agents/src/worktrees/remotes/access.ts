// Remotes room: how one call of git gets in, made anew for every call, so that a key or token that was exchanged counts at once.
import { checkedToken, readToken, refuseOpenKey } from './secret-files.js';
import { tokenFor, type Answer } from './askpass.js';
import type { Remote } from './options.js';

/** What git is given beyond what it always gets. Only `answer` knows a secret. */
export interface Access {
  readonly env: Readonly<Record<string, string>>;
  readonly answer?: Answer;
  /** Takes secrets out of what git says: a server may send back what it was sent. */
  readonly hide: (text: string) => string;
}

const nothingToHide = (text: string): string => text;

export const anonymous: Access = { env: {}, hide: nothingToHide };

/** The one key, the pinned hosts, and nothing of what the user of this spoke has for ssh otherwise. */
const sshOptions = [
  ...['BatchMode=yes', 'StrictHostKeyChecking=yes', 'GlobalKnownHostsFile=/dev/null', 'UpdateHostKeys=no'],
  ...['IdentitiesOnly=yes', 'IdentityAgent=none', 'PreferredAuthentications=publickey', 'VerifyHostKeyDNS=no'],
  ...['PermitLocalCommand=no', 'ClearAllForwardings=yes', 'ForwardAgent=no', 'ControlMaster=no', 'ControlPath=none'],
  ...['ProxyCommand=none', 'CanonicalizeHostname=no', 'ConnectTimeout=30'],
];

/** Paths have no character that a shell or ssh would read as more than itself: see the options. @throws WritError `repository_unavailable` */
export async function sshAccess({ keyFile, knownHostsFile }: NonNullable<Remote['ssh']>): Promise<Access> {
  await refuseOpenKey(keyFile);
  const own = [`IdentityFile=${keyFile}`, `UserKnownHostsFile=${knownHostsFile}`];
  const words = ['ssh', '-F', '/dev/null', ...[...sshOptions, ...own].map((option) => `-o${option}`)];
  return { env: { GIT_SSH_COMMAND: words.join(' '), GIT_SSH_VARIANT: 'ssh' }, hide: nothingToHide };
}

/** @throws WritError `repository_unavailable` */
export async function httpsAccess(
  repository: string,
  { tokenFile, tokenEnv = '', username, caFile }: NonNullable<Remote['https']>,
  given: { readonly askpass: string; readonly variable: (name: string) => string | undefined },
): Promise<Access> {
  const ofEnv = () => checkedToken(given.variable(tokenEnv)?.trim() ?? '', 'The variable with the token');
  const token = tokenFile === undefined ? ofEnv() : await readToken(tokenFile);
  const sent = Buffer.from(`${username}:${token}`).toString('base64');
  const hide = (text: string) => [token, sent].reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text);
  const env = { GIT_ASKPASS: given.askpass, ...(caFile === undefined ? {} : { GIT_SSL_CAINFO: caFile }) };
  return { env, answer: tokenFor(repository, username, token), hide };
}
