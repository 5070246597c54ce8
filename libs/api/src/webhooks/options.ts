// The setting `webhooks` of hub and spoke: who is told of events, where, and signed with what. The secret itself is never in it.
import { eventTypes } from '#protocol';
import { z } from 'zod';
import type { Variable } from '../secrets/secret-text.js';
import { secretsOf } from './secrets.js';

const hooksMax = 10;
const types: readonly string[] = eventTypes;

const file = z
  .string()
  .regex(/^\/[A-Za-z0-9_./+@-]{1,1000}$/, 'must be an absolute path of letters, digits and `_ . / + @ -`');

const eventFilter = z
  .string()
  .max(64)
  .refine(
    (filter) => types.some((type) => fits(filter, type)),
    'is no event type, nor a prefix of one such as `agent.*`',
  );

const webhook = z.strictObject({
  /** It is known by this: where it has got to is kept under it. */
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be 1 to 32 lower-case letters, digits or `-`'),
  /** `https://…`, or `http://…` on loopback. What is secret in it is not logged. */
  url: z
    .string()
    .max(2_048)
    .regex(/^https?:\/\//, 'must be an https:// URL, or http:// on loopback'),
  /** The file with the secrets, one a line, readable to its owner alone; read anew for every try. */
  secretFile: file.optional(),
  /** The environment variable with the secrets, in place of a file. */
  secretEnv: z
    .string()
    .regex(/^(?!WRIT_)[A-Z_][A-Z0-9_]{0,99}$/, 'must be the name of a variable that does not begin with WRIT_')
    .optional(),
  /** `agent.completed`, or all that begin so: `agent.*`. Without it, every event. */
  types: z.array(eventFilter).min(1).max(types.length).optional(),
  /** Networks in which the receiver may be: `public`, `loopback`, `private`, or CIDR ranges. */
  networks: z.array(z.string().max(64)).min(1).max(100).default(['public']),
});
export type Webhook = z.output<typeof webhook>;

/** What only the app knows: its environment, and why an address may not be dialled (undefined: it may). */
export interface WebhookRules {
  readonly variable: Variable;
  readonly fault: (url: string, networks: readonly string[]) => string | undefined;
}

export function webhookOptions({ variable, fault }: WebhookRules) {
  const checked = webhook.superRefine(({ url, networks, ...secret }, context) => {
    const add = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const address = fault(url, networks);
    if (address !== undefined) add('url', address);
    const missing = secretFault(secret, variable);
    if (missing !== undefined) add(secret.secretEnv === undefined ? 'secretFile' : 'secretEnv', missing);
  });
  return z
    .array(checked)
    .max(hooksMax)
    .refine((hooks) => new Set(hooks.map(({ name }) => name)).size === hooks.length, 'two have the same name')
    .default([]);
}

/** Whether events of this type are among those that a filter names. */
export function fits(filter: string, type: string): boolean {
  return filter === type || (filter.endsWith('.*') && type.startsWith(filter.slice(0, -1)));
}

function secretFault(secret: Pick<Webhook, 'secretFile' | 'secretEnv'>, variable: Variable): string | undefined {
  if ((secret.secretFile === undefined) === (secret.secretEnv === undefined))
    return 'needs either secretFile or secretEnv';
  const found = secretsOf(secret, variable);
  return typeof found === 'string' ? found : undefined;
}
