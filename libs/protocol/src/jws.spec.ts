import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compactVerify, importJWK } from 'jose';
import { rawJws, writHeader } from '../../../test/support/raw-jws.js';
import {
  type MessageType,
  openJws,
  peekHeader,
  RefusedError,
  signingInputHashOf,
  SigningKey,
  signJws,
} from './index.js';

const typ = 'writ-cmd+jws';
const claims = { v: 1, text: 'grüße', list: [1, 2, { deep: null }] };
const keys = { Ed25519: SigningKey.generate('Ed25519'), ES256: SigningKey.generate('ES256') };
const algorithms = ['Ed25519', 'ES256'] as const;

function open(token: unknown, key: SigningKey, expected: MessageType = typ) {
  return openJws(token, expected, (kid) => (kid === key.kid ? key.verifying : undefined));
}

function accepts(token: unknown, key: SigningKey): boolean {
  try {
    open(token, key);
    return true;
  } catch (error) {
    if (error instanceof RefusedError) return false;
    throw error;
  }
}

async function joseOpens(token: string, key: SigningKey): Promise<unknown> {
  const { payload } = await compactVerify(token, await importJWK(key.publicJwk, key.alg));
  return JSON.parse(new TextDecoder().decode(payload));
}

const joseTakes = (token: string, key: SigningKey) =>
  joseOpens(token, key).then(
    () => true,
    () => false,
  );

describe.each(algorithms)('a message under %s', (alg) => {
  const key = keys[alg];
  const token = signJws(typ, claims, key);

  test('opens to what was signed, and names its signing input', () => {
    expect(open(token, key)).toMatchObject({
      payload: claims,
      typ,
      kid: key.kid,
      signingInputHash: signingInputHashOf(token),
      payloadBytes: Buffer.byteLength(JSON.stringify(claims)),
    });
    expect(peekHeader(token)).toEqual({ kid: key.kid, typ });
  });

  test('whatever we sign, jose verifies', async () => {
    const values = fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), fc.oneof(fc.string(), fc.integer(), fc.boolean()));
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        expect(await joseOpens(signJws(typ, value, key), key)).toEqual({ ...value });
      }),
    );
  });

  test('whatever we accept of mutated messages, jose accepts and it says the same', async () => {
    await fc.assert(
      fc.asyncProperty(mutation(token), async (mutated) => {
        if (!accepts(mutated, key)) return;
        expect(await joseOpens(mutated, key)).toEqual(claims);
        expect(open(mutated, key).signingInputHash).toBe(signingInputHashOf(token));
      }),
      { numRuns: 1_500 },
    );
  });

  test('whatever we accept of hostile headers and payloads, jose accepts', async () => {
    await fc.assert(
      fc.asyncProperty(hostileHeader(key), hostilePayload, async (header, payload) => {
        const hostile = rawJws(header, payload, key);
        if (accepts(hostile, key)) expect(await joseTakes(hostile, key)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('no single change of a character is accepted', () => {
    for (let index = 0; index < token.length; index += 1) {
      const changed = token[index] === 'A' ? 'B' : 'A';
      expect(accepts(token.slice(0, index) + changed + token.slice(index + 1), key)).toBe(false);
    }
  });
});

/** A message with a few characters replaced, inserted, removed or moved. */
function mutation(token: string): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.nat(token.length),
    remove: fc.constantFrom(0, 0, 1, 2, 87),
    put: fc.string({ unit: fc.constantFrom(...Array.from('AQgwz0-_.=+/ \n\u0000é')), maxLength: 3 }),
  });
  return fc
    .array(edit, { minLength: 1, maxLength: 3 })
    .map((edits) =>
      edits.reduce((text, { at, remove, put }) => text.slice(0, at) + put + text.slice(at + remove), token),
    );
}

function hostileHeader(key: SigningKey): fc.Arbitrary<string> {
  const extra = fc.constantFrom('"b64":true', '"zip":"DEF"', '"jwk":{}', '"x":1', '"typ":"writ-cmd+jws"', '"cty":"a"');
  const { alg, kid } = key;
  return fc.oneof(
    fc.constant(writHeader(key, typ)),
    extra.map((member) => writHeader(key, typ).replace('{', `{${member},`)),
    fc.shuffledSubarray([`"alg":"${alg}"`, `"kid":"${kid}"`, `"typ":"${typ}"`]).map((members) => `{${members.join()}}`),
    fc.constantFrom(' ', '\n', '\t').map((space) => writHeader(key, typ).replaceAll(',', `,${space}`)),
  );
}

const hostilePayload = fc.oneof(
  fc.json(),
  fc.string(),
  fc.constantFrom('{"a":1,"a":2}', '{"exp":1e999}', '{"__proto__":1}', '[1.5]', '{"ok":true}', ''),
  fc.uint8Array({ maxLength: 40 }),
);

describe('what jose alone would let pass is refused', () => {
  const key = keys.Ed25519;
  const header = writHeader(key, typ);
  const body = JSON.stringify(claims);
  const token = rawJws(header, body, key);
  const [head = '', middle = '', signature = ''] = token.split('.');
  /** The last character of a 64-byte signature carries 4 stray bits. */
  const stray =
    signature.slice(0, 85) + (signature.endsWith('A') ? 'B' : String.fromCharCode(signature.charCodeAt(85) + 1));

  test('the plain message is accepted by both', async () => {
    expect(accepts(token, key)).toBe(true);
    expect(await joseTakes(token, key)).toBe(true);
  });

  test.each<[string, string]>([
    ['stray bits in the signature', [head, middle, stray].join('.')],
    ['padding on the signature', `${token}==`],
    ['white space in the signature', `${head}.${middle}.${signature.slice(0, 40)}\n${signature.slice(40)}`],
    ['a header member given twice', rawJws(header.replace('{', '{"alg":"Ed25519",'), body, key)],
    ['no kid', rawJws(`{"alg":"Ed25519","typ":"${typ}"}`, body, key)],
    ['no typ', rawJws(`{"alg":"Ed25519","kid":"${key.kid}"}`, body, key)],
    ['another order of members', rawJws(`{"typ":"${typ}","kid":"${key.kid}","alg":"Ed25519"}`, body, key)],
    ['white space in the header', rawJws(header.replaceAll(',', ', '), body, key)],
    ['an escape in the header', rawJws(header.replace('"typ"', '"\\u0074yp"'), body, key)],
    ['an unknown header member', rawJws(header.replace('}', ',"foo":1}'), body, key)],
    ['jwk in the header', rawJws(header.replace('}', `,"jwk":${JSON.stringify(key.publicJwk)}}`), body, key)],
    ['jku', rawJws(header.replace('}', ',"jku":"https://evil.example/jwks"}'), body, key)],
    ['x5c', rawJws(header.replace('}', ',"x5c":["AAAA"]}'), body, key)],
    ['EdDSA for Ed25519', rawJws(header.replace('Ed25519', 'EdDSA'), body, key)],
    ['exp of 1e999', rawJws(header, '{"exp":1e999}', key)],
    ['a payload member given twice', rawJws(header, '{"op":"agent.status","op":"agents.kill"}', key)],
    ['__proto__ in the payload', rawJws(header, '{"__proto__":{}}', key)],
  ])('%s', async (_what, lax) => {
    expect({ ours: accepts(lax, key), jose: await joseTakes(lax, key) }).toEqual({ ours: false, jose: true });
  });

  test('b64: false, with the payload bare between the dots', () => {
    const bare = `{"alg":"Ed25519","b64":false,"crit":["b64"],"kid":"${key.kid}","typ":"${typ}"}`;
    const input = `${Buffer.from(bare).toString('base64url')}.payload`;
    expect(accepts(`${input}.${key.sign(Buffer.from(input)).toString('base64url')}`, key)).toBe(false);
  });
});

describe('a message is refused', () => {
  const { Ed25519: key, ES256: other } = keys;
  const token = signJws(typ, claims, key);
  const [head = '', body = '', signature = ''] = token.split('.');

  test.each<[string, unknown]>([
    ['with a number for a string', 7],
    ['when it is empty', ''],
    ['with one part', head],
    ['with two parts', `${head}.${body}`],
    ['with four parts', `${token}.${signature}`],
    ['in JSON serialization', JSON.stringify({ payload: body, protected: head, signature })],
    ['without a signature', `${head}.${body}.`],
    ['with alg none', rawJws(`{"alg":"none","kid":"${key.kid}","typ":"${typ}"}`, '{}', key)],
    ['with HS256 over the public key', rawJws(writHeader(key, typ).replace('Ed25519', 'HS256'), '{}', key)],
    ['with the algorithm of another key', rawJws(writHeader(key, typ).replace('Ed25519', 'ES256'), '{}', other)],
    ['with crit', rawJws(writHeader(key, typ).replace('{', '{"crit":["exp"],'), '{}', key)],
    ['compressed', rawJws(writHeader(key, typ).replace('}', ',"zip":"DEF"}'), '{}', key)],
    ['under a key that is not known', signJws(typ, claims, SigningKey.generate())],
    ['with a typ that nobody knows', rawJws(writHeader(key, 'writ-xyz+jws'), '{}', key)],
    ['with the typ in upper case', rawJws(writHeader(key, 'WRIT-CMD+JWS'), '{}', key)],
    ['with the signature of another message', `${head}.${body}.${signJws(typ, {}, key).split('.')[2] ?? ''}`],
    ['with a payload that is not UTF-8', rawJws(writHeader(key, typ), Uint8Array.of(0x22, 0xff, 0x22), key)],
    ['with an empty payload', rawJws(writHeader(key, typ), '', key)],
    ['with a line break at the end', `${token}\n`],
  ])('[F-9] %s, always in the same words', (_what, bad) => {
    expect(() => open(bad, key)).toThrow(
      expect.objectContaining({ name: 'RefusedError', message: 'The message was refused.' }),
    );
  });

  test('[F-1] where a verifier takes another type', () => {
    expect(() => open(signJws('writ-res+jws', claims, key), key)).toThrow(RefusedError);
    const result = signJws('writ-res+jws', claims, key);
    expect(openJws(result, ['writ-ack+jws', 'writ-res+jws'], () => key.verifying).typ).toBe('writ-res+jws');
  });

  test('when the lookup hands out another key than the one named', () => {
    expect(() => openJws(token, typ, () => other.verifying)).toThrow(RefusedError);
  });

  test('before any key is looked up when it is over 1 MiB or has not the shape', () => {
    const looked: string[] = [];
    for (const bad of [`${head}.${'A'.repeat(2 ** 20)}.${signature}`, 'A'.repeat(2 ** 20), 'a.'.repeat(5_000)])
      expect(() => openJws(bad, typ, (kid) => void looked.push(kid))).toThrow(RefusedError);
    expect(looked).toEqual([]);
  });

  test('by its own sender when it would be over 1 MiB or no receiver would take it', () => {
    expect(() => signJws(typ, { text: 'x'.repeat(800_000) }, key)).toThrow(
      expect.objectContaining({ code: 'too_large' }),
    );
    expect(() => signJws(typ, { money: 0.1 }, key)).toThrow(expect.objectContaining({ code: 'schema' }));
  });
});
