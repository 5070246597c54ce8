// When an instance says that key statements run out: its own two days before, those of its peers one.
import { describe, expect, test } from '@jest/globals';
import { SigningKey, type SigningKeys } from '#protocol';
import { readinessOf } from '../health.js';
import { checkKeys, checkPeerKeys } from './check.js';

const dayMs = 86_400_000;
const now = Date.parse('2026-05-01T00:00:00Z');
const root = SigningKey.generate();

function holding(days: number, renewal: SigningKeys['renewal']): SigningKeys {
  const times = {
    issuedAt: new Date(now - dayMs).toISOString(),
    expiresAt: new Date(now + days * dayMs).toISOString(),
  };
  const statement = { ver: 1, token: 'x', ...times };
  return { id: root.kid, rootJwk: root.publicJwk, rootHere: true, keys: [], revoked: [], statement, renewal };
}

describe('the key statement of an instance', () => {
  test.each([
    [5, 'automatic', 'ok'],
    [1.9, 'automatic', 'warning'],
    [5, 'failing', 'warning'],
    [2.1, 'by hand', 'ok'],
    [1.9, 'by hand', 'warning'],
    [-0.1, 'by hand', 'failed'],
  ] as const)('that holds for %d more days, renewed %s, is %s', (days, renewal, outcome) => {
    const check = checkKeys(holding(days, renewal), now);
    expect(check).toMatchObject({ name: 'keys', outcome });
    if (outcome !== 'ok') expect(check.cure).toBeDefined();
    const { ready, warnings = [] } = readinessOf([check]);
    expect([ready, warnings.length]).toEqual([outcome !== 'failed', outcome === 'warning' ? 1 : 0]);
  });

  test('of peers is named a day before its end, and whoever asks without a key does not learn whose', () => {
    const peers = [
      { connection: 'a', name: 'near', endsAtMs: now + 2 * dayMs },
      { connection: 'b', name: 'far', endsAtMs: now + dayMs / 2 },
    ];
    const checks = checkPeerKeys(peers, now);
    expect(checks).toEqual([
      expect.objectContaining({ outcome: 'warning', detail: expect.stringMatching(/: far\.$/) }),
    ]);
    expect(checkPeerKeys(peers.slice(0, 1), now)).toEqual([]);
    expect(readinessOf(checks)).toEqual({ ready: true, reasons: [] });
  });
});
