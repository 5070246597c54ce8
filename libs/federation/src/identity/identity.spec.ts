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
import { openKeyStatement, VerifyingKey } from '#protocol';
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
    const newer = readFileSync(path, 'utf8').replace('"format": 1', '"format": 2');
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

  test('publishes public keys only', () => {
    const identity = Identity.open(folder);
    const [key] = identity.jwks().keys;
    expect(key).toMatchObject({ kid: identity.signing.kid, use: 'sig', alg: 'Ed25519' });
    expect(JSON.stringify(identity.jwks())).not.toContain('"d"');
  });
});
