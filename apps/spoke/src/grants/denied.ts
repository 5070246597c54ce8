// What a peer is told when its grant says no: the rule and what it would have allowed, which its grant shows it anyway.
import { WritError } from '#protocol';

export function denied({ rule, allowed }: { readonly rule: string; readonly allowed: unknown }): WritError {
  return new WritError('grant_denied', `The grant's ${rule} allows ${JSON.stringify(allowed)}.`.slice(0, 500), {
    field: rule,
  });
}
