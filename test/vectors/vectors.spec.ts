// The vectors beside this file were made by another implementation (make.py). Here Writ's own has to agree with each.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  ackClaims,
  agentIdOf,
  chainOver,
  chainStart,
  checkBundle,
  checkpointClaims,
  commandClaims,
  decodeBase64url,
  decodeInvite,
  encodeInvite,
  eventClaims,
  fingerprintWords,
  helloClaims,
  type InviteContent,
  JsonFault,
  keysClaims,
  type MessageType,
  openJws,
  openKeyStatement,
  pairingMac,
  type PairingParts,
  pairRequestClaims,
  pairResponseClaims,
  parseJson,
  type PublicJwk,
  RefusedError,
  resultClaims,
  surveyAudit,
  thumbprintOf,
  VerifyingKey,
  verifyAudit,
  WritError,
} from '#protocol';

const folder = import.meta.dirname;

function read(name: string): unknown {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
}

interface Cases<V, I> {
  readonly valid: readonly (V & { readonly name: string })[];
  readonly invalid: readonly (I & { readonly name: string })[];
}

describe('vectors of keys', () => {
  const { valid, invalid } = read('keys') as Cases<
    { alg: string; jwk: object; kid: string; words: string },
    { jwk: object }
  >;

  test.each(valid)('$name has its thumbprint and words', ({ alg, jwk, kid, words }) => {
    const key = VerifyingKey.fromJwk(jwk);
    expect({ alg: key.alg, kid: key.kid, words: fingerprintWords(key.kid) }).toEqual({ alg, kid, words });
  });

  test.each(invalid)('[F-10] refused: $name', ({ jwk }) => {
    expect(() => VerifyingKey.fromJwk(jwk)).toThrow(expect.objectContaining({ code: 'key_invalid' }));
  });
});

describe('vectors of payloads', () => {
  const { valid, invalid } = read('payloads') as Cases<{ bytes: string; value: unknown }, { bytes: string }>;
  const bytes = (text: string) => decodeBase64url(text) ?? Buffer.of();

  test.each(valid)('$name', (one) => expect(parseJson(bytes(one.bytes))).toEqual(one.value));
  test.each(invalid)('refused: $name', (one) => expect(() => parseJson(bytes(one.bytes))).toThrow(JsonFault));
});

describe('vectors of messages', () => {
  type Valid = { token: string; kid: string; payload: unknown; h: string };
  const { typ, keys, valid, invalid } = read('tokens') as Cases<Valid, { token: string }> & {
    typ: MessageType;
    keys: PublicJwk[];
  };
  const known = new Map(keys.map((jwk) => VerifyingKey.fromJwk(jwk)).map((key) => [key.kid, key]));
  const open = (token: string) => openJws(token, typ, (kid) => known.get(kid));

  test.each(valid)('$name', ({ token, kid, payload, h }) => {
    expect(open(token)).toMatchObject({ typ, kid, payload, signingInputHash: h });
  });
  test.each(invalid)('refused: $name', ({ token }) => expect(() => open(token)).toThrow(RefusedError));
});

describe('vectors of key statements', () => {
  type Read = { token: string; now: number };
  const { root, valid, invalid } = read('statements') as Cases<Read & { standing: string; keys: string[] }, Read> & {
    root: PublicJwk;
  };
  const open = ({ token, now }: Read) => openKeyStatement(token, VerifyingKey.fromJwk(root), { nowS: now });

  test.each(valid)('$name', (one) => {
    const statement = open(one);
    const kids = statement.claims.keys.map(thumbprintOf);
    expect(statement.standing(one.now)).toBe(one.standing);
    expect(kids.filter((kid) => statement.keyAt(kid, one.now))).toEqual(one.keys);
  });
  test.each(invalid)('refused: $name', (one) => expect(() => open(one)).toThrow(RefusedError));
});

describe('vectors of claims', () => {
  const schemas = {
    'writ-cmd+jws': commandClaims,
    'writ-res+jws': resultClaims,
    'writ-evt+jws': eventClaims,
    'writ-ack+jws': ackClaims,
    'writ-hello+jws': helloClaims,
    'writ-keys+jws': keysClaims,
    'writ-pair-req+jws': pairRequestClaims,
    'writ-pair-res+jws': pairResponseClaims,
    'writ-ckpt+jws': checkpointClaims,
  };
  type Row = { typ: MessageType; claims: unknown };
  const { valid, invalid } = read('claims') as Cases<Row, Row>;

  test.each(valid)('$typ: $name', ({ typ, claims }) => expect(schemas[typ].safeParse(claims).error).toBeUndefined());
  test.each(invalid)('refused: $typ: $name', ({ typ, claims }) =>
    expect(schemas[typ].safeParse(claims).success).toBe(false),
  );
});

describe('vectors of what both sides compute', () => {
  test('the event chain', () => {
    const { con, epo, events, values } = read('chain') as {
      con: string;
      epo: string;
      events: string[];
      values: string[];
    };
    const ours = values.map((_value, count) => chainOver(chainStart(con, epo), events.slice(0, count)));
    expect(ours).toEqual(values);
  });

  test('the ids of agents', () => {
    const { cases } = read('agent-ids') as { cases: { con: string; idk: string; agentId: string }[] };
    expect(cases.map(({ con, idk }) => agentIdOf(con, idk))).toEqual(cases.map(({ agentId }) => agentId));
  });

  const pairing = read('pairing') as Cases<{ line: string; invite: InviteContent }, { line: string }> & {
    mac: PairingParts & { ofSpoke: string; ofHub: string };
  };

  test('invite lines, both ways', () => {
    for (const { line, invite } of pairing.valid) {
      expect(decodeInvite(line)).toEqual(invite);
      expect(encodeInvite(invite)).toBe(line);
    }
  });

  test.each(pairing.invalid)('an invite line refused: $name', ({ line }) => {
    expect(() => decodeInvite(line)).toThrow(WritError);
  });

  const audit = read('audit') as {
    hub: string;
    spoke: string;
    valid: { name: string; lines: string[]; countersignedThrough: number }[];
    invalid: { name: string; lines: string[]; fault: string; row: number }[];
  };
  const verified = async (lines: readonly string[]) => {
    const source = async function* () {
      yield* lines;
    };
    return verifyAudit(source, await surveyAudit(source), audit);
  };

  test.each(audit.valid)('an audit log that holds: $name', async ({ lines, countersignedThrough }) => {
    expect(await verified(lines)).toMatchObject({ ok: true, findings: [], countersignedThrough });
  });

  test.each(audit.invalid)('an audit log with $name', async ({ lines, fault, row }) => {
    const [first] = (await verified(lines)).findings;
    expect([first?.fault, first?.row]).toEqual([fault, row]);
  });

  test('the MACs of pairing', () => {
    const { ofSpoke, ofHub, ...parts } = pairing.mac;
    expect([pairingMac('spoke', parts), pairingMac('hub', parts)]).toEqual([ofSpoke, ofHub]);
  });
});

describe('vectors of bundles', () => {
  type Row = { agentId: string; commit: string; base: string; bytes: string };
  const { valid, invalid } = read('bundles') as Cases<Row, Row>;
  const check = ({ agentId, bytes, ...commits }: Row) => {
    const start = decodeBase64url(bytes) ?? Buffer.of();
    checkBundle(start, agentId, { ...commits, bytes: start.length, sha256: '' });
  };

  test.each(valid)('$name', (one) => expect(() => check(one)).not.toThrow());
  test.each(invalid)('refused: $name', (one) =>
    expect(() => check(one)).toThrow(expect.objectContaining({ code: 'artifact_invalid' })),
  );
});

test('every file of vectors is read here', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  const source = readFileSync(join(folder, 'vectors.spec.ts'), 'utf8');
  for (const file of files) expect(source).toContain(`'${file.replace('.json', '')}'`);
  expect(files.length).toBe(10);
});
