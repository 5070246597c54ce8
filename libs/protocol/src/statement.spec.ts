import { describe, expect, test } from '@jest/globals';
import { rawJws, writHeader } from '../../../test/support/raw-jws.js';
import {
  issueKeyStatement,
  openKeyStatement,
  RefusedError,
  SigningKey,
  signJws,
  type StatementContent,
  WritError,
} from './index.js';

const nowS = 1_900_000_000;
const day = 86_400;
const root = SigningKey.generate();
const operational = SigningKey.generate();
const spare = SigningKey.generate('ES256');

function content(change: Partial<StatementContent> = {}): StatementContent {
  const key = { jwk: operational.publicJwk, nbf: nowS - 60, exp: nowS + 30 * day };
  return { ver: 1, nowS, keys: [key], ...change };
}

const issue = (change: Partial<StatementContent> = {}) => issueKeyStatement(root, content(change));
const open = (token: unknown, at = nowS) => openKeyStatement(token, root.verifying, { nowS: at });

/** Signed by the root without the checks of the issuer. */
function forged(change: Record<string, unknown>, signer = root): string {
  const jwk = { ...operational.publicJwk, nbf: nowS, exp: nowS + day };
  const claims = { v: 1, iss: root.kid, ver: 1, iat: nowS, exp: nowS + day, keys: [jwk], revoked: [], ...change };
  return rawJws(writHeader(signer, 'writ-keys+jws'), JSON.stringify(claims), signer);
}

describe('a key statement', () => {
  test('names the keys that speak for an instance', () => {
    const keys = [...content().keys, { jwk: spare.publicJwk, nbf: nowS + day, exp: nowS + 2 * day }];
    const statement = open(issue({ keys }));
    expect(statement.claims).toMatchObject({ iss: root.kid, ver: 1, iat: nowS, exp: nowS + 7 * day });
    expect(statement.keyAt(operational.kid, nowS)?.kid).toBe(operational.kid);
    expect(statement.keyAt(spare.kid, nowS)).toBeUndefined();
    expect(statement.keyAt(spare.kid, nowS + day - 30)?.alg).toBe('ES256');
    expect(statement.keyAt(spare.kid, nowS + 2 * day + 30)?.alg).toBe('ES256');
    expect(statement.keyAt(spare.kid, nowS + 2 * day + 31)).toBeUndefined();
    expect(statement.keyAt(SigningKey.generate().kid, nowS)).toBeUndefined();
  });

  test('takes a revoked key out of use although it is still listed', () => {
    const statement = open(issue({ revoked: [{ kid: operational.kid, at: nowS - 5 }] }));
    expect(statement.keyAt(operational.kid, nowS)).toBeUndefined();
  });

  test('is stale for 24 h after its end, then refused', () => {
    const token = issue({ lifetimeS: day });
    expect(open(token, nowS + day + 30).standing(nowS + day + 30)).toBe('current');
    expect(open(token, nowS + day + 31).standing(nowS + day + 31)).toBe('stale');
    expect(open(token, nowS + 2 * day + 30).standing(nowS + 2 * day + 31)).toBe('expired');
    expect(() => open(token, nowS + 2 * day + 31)).toThrow(RefusedError);
  });

  test('only grows in version: an older one, and another of the same version, are refused', () => {
    const second = issue({ ver: 2 });
    const known = open(second);
    const after = (token: string) => openKeyStatement(token, root.verifying, { nowS, known });
    expect(after(second).ver).toBe(2);
    expect(after(issue({ ver: 3 })).ver).toBe(3);
    expect(() => after(issue({ ver: 1 }))).toThrow(RefusedError);
    expect(() => after(issue({ ver: 2, lifetimeS: day }))).toThrow(RefusedError);
  });

  const weak = { kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32).toString('base64url'), nbf: nowS, exp: nowS + 9 };
  const fine = { ...operational.publicJwk, nbf: nowS, exp: nowS + 9 };
  test.each<[string, string]>([
    ['of another root', forged({}, SigningKey.generate())],
    ['that names another issuer', forged({ iss: SigningKey.generate().kid })],
    ['signed by an operational key', signJws('writ-keys+jws', { v: 1 }, operational)],
    ['that lives longer than 7 days', forged({ exp: nowS + 7 * day + 1 })],
    ['that ends before it begins', forged({ exp: nowS })],
    ['from the future', forged({ iat: nowS + 31, exp: nowS + day })],
    ['without keys', forged({ keys: [] })],
    ['with 17 keys', forged({ keys: Array(17).fill(fine) })],
    ['[F-10] with a low-order key', forged({ keys: [weak] })],
    ['[F-10] with a key off its curve', forged({ keys: [{ ...spare.publicJwk, y: 'A'.repeat(43), nbf: 1, exp: 2 }] })],
    ['with a private key', forged({ keys: [{ ...operational.toPrivateJwk(), nbf: nowS, exp: nowS + 9 }] })],
    ['with the root among its keys', forged({ keys: [{ ...root.publicJwk, nbf: nowS, exp: nowS + 9 }] })],
    ['with a key listed twice', forged({ keys: [fine, { ...fine, exp: nowS + 10 }] })],
    ['with a key without an end', forged({ keys: [{ ...operational.publicJwk, nbf: nowS }] })],
    ['with a key that ends before it begins', forged({ keys: [{ ...fine, exp: nowS }] })],
    ['with an unknown claim', forged({ aud: root.kid })],
    ['without ver', forged({ ver: undefined })],
    ['of another protocol version', forged({ v: 2 })],
  ])('%s is refused', (_what, token) => {
    expect(() => open(token)).toThrow(RefusedError);
  });

  test('the forger of these tests makes statements that hold when nothing is wrong', () => {
    expect(open(forged({})).keyAt(operational.kid, nowS)?.kid).toBe(operational.kid);
  });

  test('is not issued when a receiver would refuse it', () => {
    const bad: Partial<StatementContent>[] = [
      { ver: 0 },
      { lifetimeS: 8 * day },
      { keys: [] },
      { keys: [{ jwk: root.publicJwk, nbf: nowS, exp: nowS + 1 }] },
    ];
    for (const change of bad) expect(() => issue(change)).toThrow(WritError);
    expect(() => issueKeyStatement(spare, content())).toThrow(WritError);
  });
});
