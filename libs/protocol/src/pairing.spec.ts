import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { entropyToMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { rawJws, writHeader } from '../../../test/support/raw-jws.js';
import {
  agentId,
  agentIdOf,
  chainNext,
  chainOver,
  chainStart,
  decodeInvite,
  encodeInvite,
  fingerprintWords,
  type InviteContent,
  newNonce,
  nonce128,
  openPairing,
  pairingMac,
  pairingMacMatches,
  RefusedError,
  SigningKey,
  signJws,
  WritError,
} from './index.js';

const hub = SigningKey.generate();
const spoke = SigningKey.generate();
const content: InviteContent = {
  name: 'acme-hub',
  url: 'https://hub.example:8443/writ',
  hub: hub.kid,
  id: newNonce(),
  secret: newNonce(),
  ops: ['agent.status', 'agent.spawn'],
  exp: 1_900_000_900,
};
const parts = { secret: content.secret, invite: content.id, hub: hub.kid, spoke: spoke.kid, nonce: newNonce() };
const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest();

describe('an invite', () => {
  const line = encodeInvite(content);

  test('is one line of letters that a terminal copies whole, and comes back as it was', () => {
    expect(line).toMatch(/^writ1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{4}$/);
    expect(decodeInvite(`  ${line}\n`)).toEqual(content);
  });

  test('with any one character changed or missing is refused', () => {
    for (let index = 0; index < line.length; index += 1) {
      const changed = line[index] === 'x' ? 'y' : 'x';
      for (const bad of [
        line.slice(0, index) + line.slice(index + 1),
        line.slice(0, index) + changed + line.slice(index + 1),
      ])
        expect(() => decodeInvite(bad)).toThrow(expect.objectContaining({ code: 'invite_invalid' }));
    }
  });

  test.each<[string, object]>([
    ['an unknown member', { admin: true }],
    ['a URL that runs scripts', { url: 'javascript:alert(1)' }],
    ['a file for a URL', { url: 'file:///etc/passwd' }],
    ['a name with a terminal escape', { name: '\u001b[2Jhub' }],
    ['an unknown operation', { ops: ['agent.dance'] }],
    ['a short secret', { secret: 'AAAA' }],
  ])('with %s is refused although its checksum holds', (_what, change) => {
    const body = Buffer.from(JSON.stringify({ ...content, ...change })).toString('base64url');
    const sum = sha256(body).toString('base64url').slice(0, 4);
    expect(() => decodeInvite(`writ1.${body}.${sum}`)).toThrow(WritError);
  });
});

describe('the MAC of pairing', () => {
  test('is made as the protocol says, step by step', () => {
    const raw = (text: string) => Buffer.from(text, 'base64url');
    const key = Buffer.from(hkdfSync('sha256', raw(content.secret), '', 'writ-pair-1', 32));
    const bound = Buffer.concat([raw(parts.invite), raw(parts.hub), raw(parts.spoke), raw(parts.nonce)]);
    expect(bound.length).toBe(16 + 32 + 32 + 16);
    const wanted = createHmac('sha256', key).update(Buffer.concat([Buffer.from('spoke'), Buffer.alloc(1), bound]));
    expect(pairingMac('spoke', parts)).toBe(wanted.digest('base64url'));
  });

  test('holds for its role and parts alone: a reflected or transplanted one is refused', () => {
    const mac = pairingMac('spoke', parts);
    expect(pairingMacMatches(mac, 'spoke', parts)).toBe(true);
    expect(pairingMacMatches(mac, 'hub', parts)).toBe(false);
    const other = { secret: newNonce(), invite: newNonce(), hub: spoke.kid, spoke: hub.kid, nonce: newNonce() };
    for (const name of Object.keys(parts) as (keyof typeof parts)[])
      expect(pairingMacMatches(mac, 'spoke', { ...parts, [name]: other[name] })).toBe(false);
    expect(pairingMacMatches('', 'spoke', parts)).toBe(false);
  });
});

describe('[F-2] a pairing message', () => {
  const typ = 'writ-pair-req+jws';
  const claims = (key: SigningKey) => ({ v: 1, root: key.publicJwk });

  test('opens under the root that it carries', () => {
    expect(openPairing(signJws(typ, claims(spoke), spoke), typ)).toMatchObject({
      kid: spoke.kid,
      payload: claims(spoke),
    });
  });

  const ec = SigningKey.generate('ES256');
  const low = { kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32).toString('base64url') };
  test.each<[string, string]>([
    ['signed by another key than it carries', signJws(typ, claims(spoke), hub)],
    [
      'under the kid of the root it carries, but the signature of another',
      rawJws(writHeader(spoke, typ), JSON.stringify(claims(spoke)), hub),
    ],
    ['without a root', signJws(typ, { v: 1 }, spoke)],
    ['that is null', signJws(typ, null, spoke)],
    ['with an ES256 root', signJws(typ, claims(ec), ec)],
    ['with a low-order root', signJws(typ, { v: 1, root: low }, spoke)],
    ['of the other type', signJws('writ-pair-res+jws', claims(spoke), spoke)],
  ])('%s is refused', (_what, token) => {
    expect(() => openPairing(token, typ)).toThrow(RefusedError);
  });
});

describe('six words', () => {
  test('are the first 66 bits of the thumbprint in the BIP-39 list', () => {
    const words = fingerprintWords(hub.kid).split(' ');
    const bits = [...Buffer.from(hub.kid, 'base64url')].map((byte) => byte.toString(2).padStart(8, '0')).join('');
    expect(words.map((word) => wordlist.indexOf(word).toString(2).padStart(11, '0')).join('')).toBe(bits.slice(0, 66));
  });

  test('are those with which the BIP-39 mnemonic of these 32 bytes begins', () => {
    const mnemonic = entropyToMnemonic(Uint8Array.from(Buffer.from(hub.kid, 'base64url')), wordlist);
    expect(mnemonic.startsWith(`${fingerprintWords(hub.kid)} `)).toBe(true);
  });

  test('are refused for what is no thumbprint', () => {
    for (const bad of ['', 'AAAA', `${hub.kid}=`, 'B'.repeat(43)])
      expect(() => fingerprintWords(bad)).toThrow(expect.objectContaining({ code: 'key_invalid' }));
  });
});

describe('ids', () => {
  test('nonces are 128 random bits in canonical base64url', () => {
    const nonces = Array.from({ length: 1_000 }, newNonce);
    expect(nonces.every((nonce) => nonce128.safeParse(nonce).success)).toBe(true);
    expect(new Set(nonces).size).toBe(1_000);
  });

  test('[S-8] the id of an agent follows from connection and idempotency key, as a UUID of version 8', () => {
    const id = agentIdOf(content.id, 'task-1');
    expect(agentId.parse(id)).toBe(agentIdOf(content.id, 'task-1'));
    expect(id).toMatch(/^.{8}-.{4}-8.{3}-[89ab].{3}-.{12}$/);
    const digest = sha256(`${content.id}.task-1`).toString('hex');
    expect(id.replaceAll('-', '').slice(0, 12)).toBe(digest.slice(0, 12));
    expect(agentIdOf(content.id, 'task-2')).not.toBe(id);
    expect(agentIdOf(content.secret, 'task-1')).not.toBe(id);
  });
});

describe('the event chain', () => {
  const [con, epo] = [newNonce(), newNonce()];
  const events = ['{"a":1}', '{"b":"ü"}', ''];

  test('is what the protocol says, step by step', () => {
    const c0 = sha256(con + epo);
    const c1 = sha256(Buffer.concat([c0, sha256(Buffer.from('{"a":1}', 'utf8'))]));
    expect(chainStart(con, epo)).toBe(c0.toString('base64url'));
    expect(chainNext(chainStart(con, epo), '{"a":1}')).toBe(c1.toString('base64url'));
  });

  test('does not change with regrouping, but with every event, order, connection and epoch', () => {
    const whole = chainOver(chainStart(con, epo), events);
    expect(chainOver(chainOver(chainStart(con, epo), events.slice(0, 1)), events.slice(1))).toBe(whole);
    expect(chainOver(chainStart(con, epo), [])).toBe(chainStart(con, epo));
    expect(chainOver(chainStart(con, epo), events.toReversed())).not.toBe(whole);
    expect(chainOver(chainStart(con, epo), [...events, ''])).not.toBe(whole);
    expect(chainOver(chainStart(epo, con), events)).not.toBe(whole);
  });
});
