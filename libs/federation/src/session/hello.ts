// Hello, the first thing that two instances sign for one another on a link: whether it can be read, and in time.
import { clockDifferenceS, helloClaims, lifetimeMaxS } from '#protocol';
import type { HelloClaims, MessageError } from '#protocol';

/** Versions of the protocol that this code speaks. */
export const protocolVersions: readonly number[] = [1];

/** Whether there is a version that both speak. */
export function agrees({ versions }: HelloClaims): boolean {
  return versions.some((version) => protocolVersions.includes(version));
}

/** The hello in a verified message, or why it is refused. */
export function readHello(
  payload: unknown,
  nowS: number,
): { readonly hello: HelloClaims } | { readonly err: MessageError; readonly diffS?: number } {
  const parsed = helloClaims.safeParse(payload);
  if (!parsed.success) return { err: 'schema' };
  const { iat, exp } = parsed.data;
  const diffS = clockDifferenceS(iat, nowS);
  if (diffS !== undefined) return { err: 'clock', diffS };
  return exp <= iat || exp - iat > lifetimeMaxS.hello ? { err: 'schema' } : { hello: parsed.data };
}
