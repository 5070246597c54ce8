// Remotes room: what a spoke's admin says of repositories that want to know who asks: which key or token is for which of them.
import { z } from 'zod';
import { pattern } from '#protocol';

/** Without spaces and without `%`, `~` and `$`, which ssh would expand. */
const file = z
  .string()
  .regex(/^\/[A-Za-z0-9_./+@-]{1,1000}$/, 'must be an absolute path of letters, digits and `_ . / + @ -`');

const https = z
  .strictObject({
    tokenFile: file.optional(),
    tokenEnv: z
      .string()
      .regex(/^(?!WRIT_)[A-Z_][A-Z0-9_]{0,99}$/, 'must be the name of a variable that does not begin with WRIT_')
      .optional(),
    username: z
      .string()
      .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/, 'must be 1 to 100 letters, digits, `_`, `.` or `-`')
      .default('x-access-token'),
    /** Authorities to trust instead of the system's, for a host of one's own. */
    caFile: file.optional(),
  })
  .refine(({ tokenFile, tokenEnv }) => (tokenFile === undefined) !== (tokenEnv === undefined), {
    message: 'needs either tokenFile or tokenEnv',
  });

/** A run in the name of a host also stands for hosts of somebody else: `https://git.example.org*` for `https://git.example.org.evil.net/`. */
const wholeHost =
  /^(https:\/\/[A-Za-z0-9.-]+(:\d+)?\/|ssh:\/\/([A-Za-z0-9_.-]+@)?[A-Za-z0-9.-]+(:\d+)?\/|[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:)/;

const remote = z
  .strictObject({
    repositories: z.array(pattern).min(1).max(200),
    ssh: z.strictObject({ keyFile: file, knownHostsFile: file }).optional(),
    https: https.optional(),
    /** Branches that agents of this spoke's own people may push to; hubs have their grant. */
    push: z.array(pattern).max(200).default([]),
  })
  .refine(({ repositories, ssh, https }) => !(ssh ?? https) || repositories.every((one) => wholeHost.test(one)), {
    path: ['repositories'],
    message: 'must begin with a scheme and the whole name of a host, without `*`: that host gets the key or token',
  });

export const remoteOptions = z.array(remote).max(200).default([]);
export type RemoteOptions = z.output<typeof remoteOptions>;
export type Remote = RemoteOptions[number];
