// The REST resource of a session in a browser: a cookie in place of an API key, for people.
import { z } from 'zod';
import { time, spokeName } from './names.js';
import { apiKey } from './rest.keys.js';

/** The header that proves, together with the cookie, that a page of this instance asks: it carries the session's `csrf`. */
export const csrfHeader = 'writ-csrf';

/** `POST /v1/session`: the answer sets the cookie. */
export const signIn = z.strictObject({ key: z.string().trim().min(1).max(200) });
export type SignIn = z.input<typeof signIn>;

/** `GET /v1/session`: who asks, and of whom. With a key instead of a cookie there is no `session`. */
export const sessionResource = z.strictObject({
  /** The API key behind it; or who an issuer says it is, with an id that begins with `oidc:`. */
  key: apiKey.pick({ name: true, role: true }).extend({ id: z.string().min(1).max(128) }),
  instance: z.strictObject({ role: z.enum(['hub', 'spoke']), name: spokeName, version: z.string().max(60) }),
  session: z
    .strictObject({
      /** To be sent as `writ-csrf` with everything that changes something. */
      csrf: z.string().max(100),
      expiresAt: time,
      /** Unused for so long it ends. */
      idleMs: z.int().min(1),
    })
    .optional(),
});
export type SessionResource = z.infer<typeof sessionResource>;

/** `GET /v1/session/ways`: how one may sign in besides with an API key. */
export const signInWays = z.strictObject({
  /** At an issuer of OpenID Connect: send the browser to `/v1/session/oidc`. */
  oidc: z.strictObject({ name: z.string().max(256) }).optional(),
});
export type SignInWays = z.infer<typeof signInWays>;
