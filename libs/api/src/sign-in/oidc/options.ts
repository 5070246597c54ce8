// Who may vouch for people at the console: one issuer of OpenID Connect, and which of its people have which role here.
import { z } from 'zod';
import { secretText, type Variable } from '../../secrets/secret-text.js';

const claimValues = z.array(z.string().min(1).max(256)).max(100).default([]);
const callbackPath = '/v1/session/oidc/callback';
const loopback = ['127.0.0.1', '[::1]', 'localhost'];

/** Passwords and tokens pass there: TLS, or this machine itself. */
function isSafePlace(url: string): boolean {
  const { protocol, hostname } = URL.parse(url) ?? {};
  return protocol === 'https:' || (protocol === 'http:' && loopback.includes(hostname ?? ''));
}

/** `variable` reads the environment: a secret that cannot be read is found at the start. */
export const oidcOptions = (variable: Variable) =>
  z
    .strictObject({
      /** Exactly as the issuer calls itself; `https`, or `http` on loopback. */
      issuer: z.url().max(2_048).refine(isSafePlace, 'must be https, or http on loopback'),
      /** What this instance is called there. The issuer's statements have to be made out to it. */
      clientId: z.string().min(1).max(256),
      /** Where the issuer sends people back to, as it is registered there: `https://…/v1/session/oidc/callback`. */
      redirectUri: z
        .url()
        .max(2_048)
        .refine(isSafePlace, 'must be https, or http on loopback')
        .refine((url) => URL.parse(url)?.pathname.endsWith(callbackPath), `must end with ${callbackPath}`),
      /** A file with the client's secret, for its owner alone; public clients have none. */
      secretFile: z.string().min(1).max(4_096).optional(),
      /** A variable with the client's secret. */
      secretEnv: z.string().min(1).max(128).optional(),
      /** What is asked for. */
      scopes: z
        .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/))
        .max(20)
        .default(['openid', 'profile', 'email']),
      /** The claim by which acts name a person here. */
      nameClaim: z.string().min(1).max(128).default('email'),
      /** The claim that decides on the role: a text or a list of texts. */
      roleClaim: z.string().min(1).max(128).default('groups'),
      /** Of several roles the highest counts; without any there is no way in. */
      roles: z.strictObject({
        /** What that claim has to contain for a viewer. */
        viewer: claimValues,
        /** The same for an operator. */
        operator: claimValues,
        /** The same for an admin. */
        admin: claimValues,
      }),
    })
    .superRefine(({ roles, ...place }, context) => {
      const fault = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
      if (Object.values(roles).every((values) => values.length === 0)) fault('roles', 'must let somebody in');
      const { secretFile, secretEnv } = place;
      if (secretFile !== undefined && secretEnv !== undefined) fault('secretEnv', 'must not stand beside secretFile');
      const isPublic = secretFile === undefined && secretEnv === undefined;
      const found = isPublic ? { text: '' } : secretText(place, variable);
      if ('fault' in found) fault(secretFile === undefined ? 'secretEnv' : 'secretFile', found.fault);
    });
export type OidcOptions = z.output<ReturnType<typeof oidcOptions>>;
