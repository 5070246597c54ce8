import { describe, expect, test } from '@jest/globals';
import {
  ackClaims,
  agentResult,
  checkpointClaims,
  checkTimes,
  clockDifferenceS,
  commandBytes,
  commandClaims,
  eventBytesMax,
  eventClaims,
  helloClaims,
  idkFits,
  lifetimeMaxS,
  messageKind,
  newNonce,
  pairRequestClaims,
  problemOf,
  resultClaims,
  SigningKey,
  WritError,
} from './index.js';

const root = SigningKey.generate();
const hash = root.kid;
const addressed = { v: 1, iss: hash, aud: SigningKey.generate().kid, jti: newNonce(), iat: 1_900_000_000 };
const envelope = { ...addressed, con: newNonce() };
const exp = 1_900_000_060;
const status = { id: 'a', op: 'agent.status', args: { agentId: 'x' }, gv: 1 };
const command = { ...envelope, exp, sn: newNonce(), cmds: [status] };
const { detail, title, next, code, type, status: http } = problemOf(new WritError('latched', 'The latch is set.'));
const problem = { detail, title, next, code, type, status: http };
const result = { ...envelope, req: { jti: newNonce(), h: hash }, results: [{ id: 'a', st: 'ok', gv: 1, body: {} }] };
const event = { ...envelope, epo: newNonce(), seq: 1, prev: hash, events: ['{}'] };
const hello = {
  ...envelope,
  exp,
  sn: newNonce(),
  versions: [1],
  ops: ['agent.spawn'],
  replica: 'one',
  half: { state: 'active', counter: 1 },
};
const pairRequest = {
  ...addressed,
  exp,
  invite: newNonce(),
  nonce: newNonce(),
  mac: hash,
  root: root.publicJwk,
  keys: 'token',
  name: 'acme',
  link: { kind: 'outbound' },
};

type Schema = { safeParse: (value: unknown) => { success: boolean } };
const takes = (schema: Schema, value: unknown) => schema.safeParse(value).success;
const many = (size: number) => Array.from({ length: size }, (_, index) => ({ ...status, id: `c${index}` }));

describe('claims', () => {
  test.each<[string, Schema, object]>([
    ['command', commandClaims, command],
    ['result', resultClaims, result],
    ['event', eventClaims, event],
    ['ack', ackClaims, { ...envelope, epo: newNonce(), seq: 0, h: hash }],
    ['hello', helloClaims, hello],
    ['checkpoint', checkpointClaims, { ...envelope, n: 0, h: hash }],
    ['pair-req', pairRequestClaims, pairRequest],
  ])(
    'of a %s are taken whole, and refused without any of them, with one more, or of another version',
    (_n, schema, ok) => {
      expect(takes(schema, ok)).toBe(true);
      for (const name of Object.keys(ok)) expect(takes(schema, { ...ok, [name]: undefined })).toBe(false);
      expect(takes(schema, { ...ok, extra: 1 })).toBe(false);
      expect(takes(schema, { ...ok, v: 2 })).toBe(false);
      expect(takes(schema, { ...ok, aud: [addressed.aud] })).toBe(false);
      expect(takes(schema, { ...ok, jti: `${'A'.repeat(21)}B` })).toBe(false);
    },
  );

  test('hold 1 to 64 commands with unique ids', () => {
    expect(takes(commandClaims, { ...command, cmds: many(64) })).toBe(true);
    expect(takes(commandClaims, { ...command, cmds: many(65) })).toBe(false);
    expect(takes(commandClaims, { ...command, cmds: [] })).toBe(false);
    expect(takes(commandClaims, { ...command, cmds: [status, status] })).toBe(false);
  });

  test.each<[string, object]>([
    ['args that are a list', { args: [] }],
    ['args that are null', { args: null }],
    ['an operation with a space', { op: 'agent status' }],
    ['an operation that is a path', { op: '../agent' }],
    ['a key with a line break', { idk: 'a\nb' }],
    ['a key of 129 characters', { idk: 'k'.repeat(129) }],
    ['an id with a slash', { id: 'a/b' }],
    ['a negative grant version', { gv: -1 }],
    ['a trace that is none', { trace: '00-zz-xx-01' }],
    ['a member too many', { sudo: true }],
  ])('refuse a command with %s', (_what, change) => {
    expect(takes(commandClaims, { ...command, cmds: [{ ...status, ...change }] })).toBe(false);
  });

  test('a command that no operation is known for still has a shape, so that it can be answered', () => {
    expect(takes(commandClaims, { ...command, cmds: [{ ...status, op: 'agent.dance' }] })).toBe(true);
    expect(takes(commandClaims, { ...command, cmds: [{ ...status, op: 'constructor' }] })).toBe(true);
  });

  test('a result has results or one error, and the measured difference only with clock', () => {
    const { results, ...bare } = result;
    expect(takes(resultClaims, { ...bare, err: 'clock', diffS: -45 })).toBe(true);
    expect(takes(resultClaims, { ...bare, err: 'session' })).toBe(true);
    expect(takes(resultClaims, { ...bare, err: 'session', diffS: 3 })).toBe(false);
    expect(takes(resultClaims, { ...bare, err: 'whatever' })).toBe(false);
    expect(takes(resultClaims, { ...bare, results, err: 'clock' })).toBe(false);
    expect(takes(resultClaims, bare)).toBe(false);
  });

  test('a denial names a code of the closed list and a problem', () => {
    const denied = { id: 'a', st: 'denied', code: 'latched', gv: 1, body: problem };
    expect(takes(resultClaims, { ...result, results: [denied] })).toBe(true);
    expect(takes(resultClaims, { ...result, results: [{ ...denied, code: 'nope' }] })).toBe(false);
    expect(takes(resultClaims, { ...result, results: [{ ...denied, body: {} }] })).toBe(false);
    expect(takes(resultClaims, { ...result, results: [{ ...denied, st: 'ok' }] })).toBe(false);
  });

  test('events are 0 to 256 strings of at most 256 KiB in UTF-8', () => {
    expect(takes(eventClaims, { ...event, events: [] })).toBe(true);
    expect(takes(eventClaims, { ...event, events: Array(256).fill('{}') })).toBe(true);
    expect(takes(eventClaims, { ...event, events: Array(257).fill('{}') })).toBe(false);
    expect(takes(eventClaims, { ...event, events: ['x'.repeat(262_144)] })).toBe(true);
    expect(takes(eventClaims, { ...event, events: ['ü'.repeat(131_073)] })).toBe(false);
    expect(takes(eventClaims, { ...event, events: [{}] })).toBe(false);
    expect(takes(eventClaims, { ...event, seq: 0 })).toBe(false);
  });

  test('[F-4] a hello lists versions and operations, also some that this side does not know', () => {
    expect(takes(helloClaims, { ...hello, versions: [1, 2], ops: ['agent.spawn', 'agent.dance'] })).toBe(true);
    expect(takes(helloClaims, { ...hello, versions: [] })).toBe(false);
  });

  test('[F-3] a hello carries the half-state, the journal and the grant with its version', () => {
    const journal = { epo: newNonce(), seq: 4, h: hash, before: { epo: newNonce(), seq: 9 } };
    expect(takes(helloClaims, { ...hello, re: newNonce(), journal, gv: 2, grant: { operations: [] } })).toBe(true);
    expect(takes(helloClaims, { ...hello, grant: { operations: [] } })).toBe(false);
    expect(takes(helloClaims, { ...hello, half: { state: 'closed', agents: 'kill', counter: 3 } })).toBe(true);
    expect(takes(helloClaims, { ...hello, half: { state: 'gone', counter: 3 } })).toBe(false);
  });

  test('a size of a command counts its bytes, not its characters', () => {
    expect(commandBytes({ id: 'a', op: 'x', args: { t: 'ü' }, gv: 0 })).toBe(43 + 1);
  });
});

describe('a result of an agent', () => {
  const finding = { file: 'f'.repeat(1_024), line: 1, severity: 'error', message: 'm'.repeat(4_000) };
  const item = { item: 1, status: 'done', note: 'n'.repeat(4_000) };

  test('fits into one event at its largest, and is refused beyond', () => {
    const result = {
      summary: '語'.repeat(16_000),
      items: Array(11).fill(item),
      findings: Array(12).fill(finding),
      verdict: { passed: true, command: '語'.repeat(2_000), detail: '語'.repeat(8_000) },
    };
    expect(takes(agentResult, result)).toBe(true);
    const bytes = Buffer.byteLength(JSON.stringify(result));
    expect(bytes).toBeGreaterThan(180_000);
    expect(bytes).toBeLessThan(eventBytesMax - 32_768);
    expect(takes(agentResult, { ...result, findings: Array(13).fill(finding) })).toBe(false);
    expect(takes(agentResult, { ...result, items: Array(13).fill(item) })).toBe(false);
    expect(takes(agentResult, { ...result, summary: '\u0001'.repeat(16_000) })).toBe(false);
  });
});

describe('a message holds effects, or queries, or kills', () => {
  const of = (...ops: string[]) => messageKind(ops.map((op) => ({ op })));

  test('and says which', () => {
    expect(of('agent.spawn', 'agent.spawn')).toBe('effect');
    expect(of('agent.status', 'agent.list', 'instance.info')).toBe('query');
    expect(of('agent.kill', 'agents.kill')).toBe('kill');
  });

  test('never a mixture', () => {
    expect(of('agent.spawn', 'agent.status')).toBe('mixed');
    expect(of('agent.status', 'agent.kill')).toBe('mixed');
    expect(of('agent.kill', 'agent.dance', 'agent.spawn')).toBe('mixed');
  });

  test('and an unknown operation, or a name that every object has, counts for nothing', () => {
    expect(of('agent.spawn', 'agent.dance')).toBe('effect');
    expect(of('constructor', 'toString')).toBe('query');
  });

  test('effects and kills carry an idempotency key, queries do not', () => {
    expect(idkFits({ op: 'agent.spawn', idk: 'k' })).toBe(true);
    expect(idkFits({ op: 'agent.kill' })).toBe(false);
    expect(idkFits({ op: 'agent.status' })).toBe(true);
    expect(idkFits({ op: 'agent.status', idk: 'k' })).toBe(false);
    expect(idkFits({ op: 'agent.dance' })).toBe(true);
  });
});

describe('[F-1] times of a message', () => {
  const now = 1_900_000_000;
  test.each<[string, number, number, 'schema' | 'clock' | undefined]>([
    ['fresh', 0, 60, undefined],
    ['30 s from the future', 30, 60, undefined],
    ['31 s from the future', 31, 60, 'clock'],
    ['run out 29 s ago', -89, 60, undefined],
    ['run out 30 s ago', -90, 60, 'clock'],
    ['as long as allowed', 0, 300, undefined],
    ['longer than allowed', 0, 301, 'schema'],
    ['ending as it begins', 0, 0, 'schema'],
    ['ending before it begins', 0, -5, 'schema'],
  ])('%s', (_what, offset, life, fault) => {
    const iat = now + offset;
    expect(checkTimes({ iat, exp: iat + life }, now, lifetimeMaxS.command)).toBe(fault);
  });

  test('a hello that is off by more than 30 s either way is told by how much', () => {
    expect(clockDifferenceS(now - 30, now)).toBeUndefined();
    expect(clockDifferenceS(now + 30, now)).toBeUndefined();
    expect(clockDifferenceS(now - 31, now)).toBe(31);
    expect(clockDifferenceS(now + 90, now)).toBe(-90);
  });
});
