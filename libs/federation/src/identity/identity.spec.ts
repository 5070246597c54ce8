import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openKeyStatement, SigningKey, signStatementDraft, VerifyingKey } from '#protocol';
import { Identity } from './identity.js';

const dayMs = 86_400_000;

describe('an identity', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'writ-identity-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('[F-14] is made at the first start and the same after every other', () => {
    const first = Identity.open(folder);
    const second = Identity.open(folder);
    expect([second.id, second.signing.kid]).toEqual([first.id, first.signing.kid]);
    expect(first.id).not.toBe(first.signing.kid);
  });

  test('lets nobody else read what it keeps', () => {
    const shared = join(folder, 'state');
    expect(Identity.open(shared).statement.ver).toBeGreaterThan(0);
    const modes = [shared, ...readdirSync(shared).map((name) => join(shared, name))];
    expect(modes.map((path) => statSync(path).mode & 0o077)).toEqual(modes.map(() => 0));
  });

  test('refuses a folder or a file that others can read, and names the cure', () => {
    Identity.open(folder);
    chmodSync(folder, 0o755);
    expect(() => Identity.open(folder)).toThrow(/chmod 700/);
    chmodSync(folder, 0o700);
    chmodSync(join(folder, 'identity.json'), 0o640);
    expect(() => Identity.open(folder)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  test('refuses keys that a newer version wrote, and leaves them untouched', () => {
    Identity.open(folder);
    const path = join(folder, 'identity.json');
    const newer = readFileSync(path, 'utf8').replace('"format": 2', '"format": 3');
    writeFileSync(path, newer);
    expect(() => Identity.open(folder)).toThrow(expect.objectContaining({ code: 'store_format' }));
    expect(readFileSync(path, 'utf8')).toBe(newer);
  });

  test('refuses damaged keys instead of making new ones', () => {
    writeFileSync(join(folder, 'identity.json'), '{}', { mode: 0o600 });
    expect(() => Identity.open(folder)).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  test('states its signing key under its root, across restarts, and anew from the middle of its life', () => {
    let now = Date.now();
    const identity = Identity.open(folder, () => now);
    const first = identity.statement;
    const root = VerifyingKey.fromJwk(identity.root.publicJwk);
    const nowS = Math.floor(now / 1_000);
    expect(openKeyStatement(first.token, root, { nowS }).keyAt(identity.signing.kid, nowS)?.kid).toBe(
      identity.signing.kid,
    );
    now += 3 * dayMs;
    expect(Identity.open(folder, () => now).statement.token).toBe(first.token);
    now += dayMs;
    expect(identity.statement.ver).toBeGreaterThan(first.ver);
    expect(Identity.open(folder, () => now).statement.token).toBe(identity.statement.token);
  });

  test('never goes back to an older version of its statement, also when the file was lost', () => {
    let now = Date.now();
    const before = Identity.open(folder, () => now).statement.ver;
    now += 1_000;
    unlinkSync(join(folder, 'statement.json'));
    expect(Identity.open(folder, () => now).statement.ver).toBeGreaterThan(before);
  });

  test('rotates: both keys are stated, the new one signs, and the old one counts no more after ten minutes', () => {
    let now = Date.now();
    const identity = Identity.open(folder, () => now);
    const [old, before] = [identity.signing.kid, identity.statement.ver];
    identity.rotate('ES256');
    const nowS = Math.floor(now / 1_000);
    expect(identity.signing).toMatchObject({ alg: 'ES256' });
    expect(identity.statement.ver).toBeGreaterThan(before);
    for (const kid of [old, identity.signing.kid]) expect(identity.statement.keyAt(kid, nowS)?.kid).toBe(kid);
    expect(identity.statement.keyAt(old, nowS + 600 + 31)).toBeUndefined();
    const again = Identity.open(folder, () => now);
    expect([again.signing.kid, again.statement.token]).toEqual([identity.signing.kid, identity.statement.token]);
    now += 700_000;
    identity.rotate();
    expect(identity.statement.keys.map(({ kid }) => kid)).not.toContain(old);
  });

  test('is not rotated more often than a statement has room for, and says when it may be', () => {
    const identity = Identity.open(folder);
    for (let times = 0; times < 15; times += 1) identity.rotate();
    const refused = expect.objectContaining({ code: 'rate_limited', retryAfterMs: expect.any(Number) as unknown });
    expect(() => identity.rotate()).toThrow(refused);
    expect(identity.statement.keys).toHaveLength(16);
  });

  test('a revoked key is named as such, signs no more, and stays revoked after a restart', () => {
    const identity = Identity.open(folder);
    const gone = identity.signing.kid;
    identity.revoke(gone);
    const nowS = Math.floor(Date.now() / 1_000);
    expect(identity.signing.kid).not.toBe(gone);
    for (const { statement } of [identity, Identity.open(folder)]) {
      expect(statement.keyAt(gone, nowS)).toBeUndefined();
      expect(statement.claims.revoked).toEqual([{ kid: gone, at: expect.any(Number) as unknown }]);
    }
    expect(() => identity.revoke(gone)).toThrow(expect.objectContaining({ code: 'not_found' }));
  });

  test('what another process on the same folder rotated is taken over', () => {
    const [one, other] = [Identity.open(folder), Identity.open(folder)];
    one.rotate();
    expect(other.signing.kid).not.toBe(one.signing.kid);
    other.refresh();
    expect([other.signing.kid, other.statement.token]).toEqual([one.signing.kid, one.statement.token]);
  });

  test('keys that the first version wrote are read, and rotated', () => {
    const [root, operational] = [SigningKey.generate(), SigningKey.generate()];
    const secrets = { root: root.toPrivateJwk(), operational: operational.toPrivateJwk() };
    const first = { format: 1, ...secrets, since: 1_700_000_000 };
    writeFileSync(join(folder, 'identity.json'), JSON.stringify(first), { mode: 0o600 });
    const identity = Identity.open(folder);
    expect([identity.id, identity.signing.kid]).toEqual([root.kid, operational.kid]);
    identity.rotate();
    expect(Identity.open(folder).id).toBe(root.kid);
  });

  test('with the root elsewhere it goes on, and a rotation waits for the statement that is signed there', () => {
    let now = Date.now();
    const identity = Identity.open(folder, () => now);
    const root = SigningKey.fromJwk(JSON.parse(readFileSync(identity.parkRoot(), 'utf8')));
    expect(readFileSync(join(folder, 'identity.json'), 'utf8')).not.toContain(root.toPrivateJwk().d);
    expect(() => identity.root).toThrow(expect.objectContaining({ code: 'key_invalid' }));
    const old = identity.signing.kid;
    identity.rotate('ES256');
    expect(identity.shown()).toMatchObject({ rootHere: false, renewal: 'by hand', waits: true });
    expect(Identity.open(folder, () => now).signing.kid).toBe(old);
    now += 2 * 3_600_000;
    const signed = signStatementDraft(root, identity.request(), Math.floor(now / 1_000));
    identity.adopt(signed);
    expect([identity.statement.token, identity.signing.alg]).toEqual([signed, 'ES256']);
    expect(identity.statement.keyAt(old, Math.floor(now / 1_000))?.kid).toBe(old);
    expect(identity.shown()).toMatchObject({ waits: false });
  });

  test('a statement signed elsewhere is refused when it is old, of another root, or not for the keys that are here', () => {
    const identity = Identity.open(folder);
    const root = SigningKey.fromJwk(JSON.parse(readFileSync(identity.parkRoot(), 'utf8')));
    const before = identity.statement.token;
    const nowS = Math.floor(Date.now() / 1_000);
    const stranger = SigningKey.generate();
    const wrong = [
      signStatementDraft(stranger, { ...identity.request(), iss: stranger.kid }, nowS),
      signStatementDraft(root, { ...identity.request(), ver: 1 }, nowS),
      signStatementDraft(root, { ...identity.request(), keys: [{ jwk: stranger.publicJwk, nbf: nowS }] }, nowS),
    ];
    for (const token of wrong)
      expect(() => identity.adopt(token)).toThrow(expect.objectContaining({ code: 'key_invalid' }));
    expect(identity.statement.token).toBe(before);
  });

  test('a folder that cannot be written any more stops nothing before its statement ends, and it is said', () => {
    let now = Date.now();
    const identity = Identity.open(folder, () => now);
    const { token } = identity.statement;
    rmSync(folder, { recursive: true });
    now += 4 * dayMs;
    expect(identity.statement.token).toBe(token);
    expect(identity.shown().renewal).toBe('failing');
  });

  test('publishes public keys only', () => {
    const identity = Identity.open(folder);
    const [key] = identity.jwks().keys;
    expect(key).toMatchObject({ kid: identity.signing.kid, use: 'sig', alg: 'Ed25519' });
    expect(JSON.stringify(identity.jwks())).not.toContain('"d"');
  });
});
