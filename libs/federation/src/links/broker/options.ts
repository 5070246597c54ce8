// The setting `broker` of hub and spoke: where it is and what it is told to let us in. The secret itself is never in it.
import { z } from 'zod';

const file = z
  .string()
  .regex(/^\/[A-Za-z0-9_./+@-]{1,1000}$/, 'must be an absolute path of letters, digits and `_ . / + @ -`');

export const brokerOptions = z
  .strictObject({
    /** `tls://host:port` of a NATS server; `nats://` on loopback only. Port 4222 when it names none. */
    url: z.url({ protocol: /^(nats|tls)$/, message: 'must be a tls:// URL, or nats:// on loopback' }).max(2_048),
    /** What the secret is: a password (with `user`), a token, the seed of an nkey, or a whole credentials file. */
    auth: z.enum(['none', 'password', 'token', 'nkey', 'creds']).default('none'),
    /** With a password. */
    user: z.string().min(1).max(256).optional(),
    /** The file with the secret, readable to its owner alone; read anew for every dial. */
    secretFile: file.optional(),
    /** The environment variable with the secret, in place of a file. */
    secretEnv: z
      .string()
      .regex(/^(?!WRIT_)[A-Z_][A-Z0-9_]{0,99}$/, 'must be the name of a variable that does not begin with WRIT_')
      .optional(),
  })
  .superRefine(({ auth, user, secretFile, secretEnv }, context) => {
    const fault = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const given = [secretFile, secretEnv].filter((one) => one !== undefined).length;
    if (auth !== 'none' && given !== 1) fault('auth', 'needs either secretFile or secretEnv');
    if (auth === 'none' && given > 0) fault('auth', 'must say what the secret is: password, token, nkey or creds');
    if ((auth === 'password') !== (user !== undefined)) fault('user', 'goes with auth `password`, and only with it');
  });
export type BrokerOptions = z.output<typeof brokerOptions>;
