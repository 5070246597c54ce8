import { inspect } from 'node:util';
import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { calculateJwkThumbprint, importJWK } from 'jose';
import { SigningKey, thumbprintOf, VerifyingKey, WritError } from './index.js';

const refused = expect.objectContaining({ code: 'key_invalid' });
const okp = (x: string) => ({ kty: 'OKP', crv: 'Ed25519', x });

/** All encodings of points of order 1, 2, 4 and 8, with both signs, and the y that are not reduced (little endian hex, without the sign). */
const weak = [
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
].flatMap((hex) => [hex, signed(hex)]);

function signed(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  bytes.writeUInt8(bytes.readUInt8(31) | 0x80, 31);
  return bytes.toString('hex');
}

describe('keys', () => {
  test('the thumbprint is that of RFC 8037, appendix A.3', () => {
    expect(thumbprintOf({ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' })).toBe(
      'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    );
  });

  test.each(['Ed25519', 'ES256'] as const)('the thumbprint of a new %s key is what jose computes', async (alg) => {
    const key = SigningKey.generate(alg);
    expect(key.alg).toBe(alg);
    expect(key.kid).toBe(await calculateJwkThumbprint(key.publicJwk));
  });

  test.each(['Ed25519', 'ES256'] as const)('an %s key comes back from its file and signs as before', (alg) => {
    const key = SigningKey.generate(alg);
    const restored = SigningKey.fromJwk(JSON.parse(JSON.stringify(key.toPrivateJwk())));
    const message = Buffer.from('hello');
    expect(restored.kid).toBe(key.kid);
    expect(key.verifying.verify(message, restored.sign(message))).toBe(true);
    expect(key.verifying.verify(Buffer.from('hallo'), restored.sign(message))).toBe(false);
  });

  test('a signing key shows its secret to no log', () => {
    const key = SigningKey.generate();
    const { d } = key.toPrivateJwk();
    expect(inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key)).not.toContain(d);
  });

  test.each(weak)('[F-10] the low-order or unreduced point %s is refused', (hex) => {
    const x = Buffer.from(hex, 'hex').toString('base64url');
    expect(() => VerifyingKey.fromJwk(okp(x))).toThrow(refused);
  });

  test('[F-10] Node and jose import the identity point without a word, so the refusal has to be ours', async () => {
    const identity = okp(Buffer.from(weak[0] ?? '', 'hex').toString('base64url'));
    expect(createPublicKey({ key: identity, format: 'jwk' }).asymmetricKeyType).toBe('ed25519');
    expect(await importJWK(identity, 'Ed25519')).toBeDefined();
    expect(() => VerifyingKey.fromJwk(identity)).toThrow(refused);
  });

  const good = SigningKey.generate().publicJwk;
  const ec = SigningKey.generate('ES256').publicJwk as { kty: 'EC'; crv: 'P-256'; x: string; y: string };
  test.each<[string, unknown]>([
    ['a private key where a public one belongs', SigningKey.generate().toPrivateJwk()],
    ['a member too many', { ...good, alg: 'Ed25519' }],
    ['padding', { ...good, x: `${good.x}=` }],
    ['stray bits', { ...good, x: `${good.x.slice(0, 42)}B` }],
    ['31 bytes', { ...good, x: Buffer.alloc(31, 7).toString('base64url') }],
    ['33 bytes', { ...good, x: Buffer.alloc(33, 7).toString('base64url') }],
    ['another curve of the same type', { ...good, crv: 'X25519' }],
    ['Ed448', { kty: 'OKP', crv: 'Ed448', x: Buffer.alloc(57, 7).toString('base64url') }],
    ['P-384', { ...ec, crv: 'P-384' }],
    ['secp256k1', { ...ec, crv: 'secp256k1' }],
    ['a point off the curve', { ...ec, y: ec.x }],
    ['coordinates of zero', { ...ec, x: 'A'.repeat(43), y: 'A'.repeat(43) }],
    ['the curve of the other type', { ...ec, crv: 'Ed25519' }],
    ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0' }],
    ['RSA', { kty: 'RSA', n: 'AQAB', e: 'AQAB' }],
    ['a string', 'key'],
    ['nothing', undefined],
    ['null', null],
  ])('[F-10] refuses %s', (_what, jwk) => {
    expect(() => VerifyingKey.fromJwk(jwk)).toThrow(refused);
  });

  test.each(['Ed25519', 'ES256'] as const)('a private %s key with the public half of another is refused', (alg) => {
    const mixed = { ...SigningKey.generate(alg).toPrivateJwk(), ...SigningKey.generate(alg).publicJwk };
    expect(() => SigningKey.fromJwk(mixed)).toThrow(refused);
    expect(() => SigningKey.fromJwk({ ...good, d: 'A' })).toThrow(WritError);
  });
});
