// The settings of the web console, the same on hub and spoke.
import { z } from 'zod';
import type { Variable } from '../secrets/secret-text.js';
import { oidcOptions } from '../sign-in/oidc/options.js';

export const consoleOptions = (variable: Variable) =>
  z.strictObject({
    /** How long somebody stays signed in to the web console, at most. */
    sessionMs: z.int().min(60_000).max(604_800_000).default(43_200_000),
    /** How long somebody stays signed in without doing anything. */
    idleMs: z.int().min(60_000).max(604_800_000).default(3_600_000),
    /** Whether its cookie travels over TLS only: where a proxy before this instance speaks it. By default when `publicUrl` begins with `https:`. */
    secure: z.boolean().optional(),
    /** Who vouches for people besides API keys: an issuer of OpenID Connect; see docs/console.md. */
    oidc: oidcOptions(variable).optional(),
  });
export type ConsoleOptions = z.output<ReturnType<typeof consoleOptions>>;

/** With what follows from where the instance is reached. */
export type ConsoleSettings = ConsoleOptions & { readonly secure: boolean };

export function consoleOf(config: { console: ConsoleOptions; publicUrl?: string | undefined }): ConsoleSettings {
  const { console, publicUrl } = config;
  return { ...console, secure: console.secure ?? publicUrl?.startsWith('https:') ?? false };
}
