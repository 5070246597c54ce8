// The secrets of a webhook, as Standard Webhooks writes them: `whsec_` and base64 of 24 to 64 bytes. Several are for a change of secret.
import { createSecretKey, type KeyObject } from 'node:crypto';
import { secretText, type SecretPlace, type Variable } from '../secrets/secret-text.js';

const secretsMax = 4;
const [bytesMin, bytesMax] = [24, 64];

/** The keys, or what is wrong with where they should be, in words that tell nothing of them. */
export function secretsOf(place: SecretPlace, variable: Variable): readonly KeyObject[] | string {
  const found = secretText(place, variable);
  return 'fault' in found ? found.fault : parse(found.text);
}

function parse(text: string): readonly KeyObject[] | string {
  const words = text.split(/\s+/).filter((word) => word !== '');
  if (words.length === 0 || words.length > secretsMax) return `must hold 1 to ${secretsMax} secrets, one a line`;
  const keys = words.map(keyOf).filter((key) => key !== undefined);
  if (keys.length === words.length) return keys;
  return `must hold secrets of the form whsec_ and base64 of ${bytesMin} to ${bytesMax} bytes`;
}

function keyOf(word: string): KeyObject | undefined {
  const [, coded = ''] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(word) ?? [];
  const bytes = Buffer.from(coded, 'base64');
  const isExact = bytes.toString('base64').replace(/=+$/, '') === coded.replace(/=+$/, '');
  return isExact && bytes.length >= bytesMin && bytes.length <= bytesMax ? createSecretKey(bytes) : undefined;
}
