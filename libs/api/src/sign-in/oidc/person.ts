// Who an issuer's claims say somebody is, and what that person may do here.
import { roles, WritError, type Role } from '#protocol';
import type { OidcOptions } from './options.js';

export interface Person {
  /** How acts name them: `oidc:` and the claim of the setting, or the subject. */
  readonly id: string;
  readonly name: string;
  readonly role: Role;
}

const nameMax = 100;
const printable = /^[\x20-\x7e]+$/;

/** @throws WritError `forbidden` for somebody who has no role here */
export function personOf(
  claims: Readonly<Record<string, unknown>>,
  { nameClaim, roleClaim, roles: wanted }: OidcOptions,
): Person {
  const held = [claims[roleClaim]].flat().filter((value) => typeof value === 'string');
  const role = roles.findLast((one) => wanted[one].some((value) => held.includes(value)));
  // Anybody may write an address into a profile: one that the issuer did not check names nobody.
  const isClaimed = nameClaim === 'email' && claims.email_verified === false;
  const name = (isClaimed ? undefined : textOf(claims[nameClaim])) ?? textOf(claims.sub) ?? 'unknown';
  if (role) return { id: `oidc:${name}`, name, role };
  throw new WritError('forbidden', 'You are known to the issuer, but have no role on this instance.');
}

/** Somebody else's text: one line that shows as it is. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= nameMax && printable.test(value) ? value : undefined;
}
