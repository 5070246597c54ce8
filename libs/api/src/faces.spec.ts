// REST, MCP and A2A give the same answer to the same question, and the same refusal to the same person: one table over all of them.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { errorCodes, newNonce, SigningKey, WritError, type ErrorCode } from '#protocol';
import { caller } from '../../../test/support/call.js';
import { facesOf, strangers, type Answer, type Face, type Question } from '../../../test/support/faces.js';
import { startTinyApi, type TinyApi } from '../../../test/support/tiny-api.js';

type Who = 'viewer' | 'operator';

const key = SigningKey.generate();
const nobody = '00000000-0000-8000-8000-00000000000a';
const context = { repository: 'https://example.org/repo.git', branch: 'main', workItems: ['mend the sum'] };
const job = { taskId: 'task-1', agentType: 'worker', context };

let api: TinyApi;
const faces: Record<Who, readonly Face[]> = { viewer: [], operator: [] };

const spawn = (change: object = {}, idempotencyKey = newNonce()): Question => {
  return { spawn: { ...job, ...change }, idempotencyKey };
};

/** Of every face, by its name. */
async function all(who: Who, question: () => Question): Promise<Record<string, Answer>> {
  const said: [string, Answer][] = [];
  for (const { name, ask } of faces[who]) said.push([name, await ask(question())]);
  return Object.fromEntries(said);
}

/** The one that all give. */
async function same(who: Who, question: () => Question): Promise<Answer> {
  const said = await all(who, question);
  const [first] = Object.values(said);
  expect(said).toEqual(Object.fromEntries(Object.keys(said).map((name) => [name, first])));
  return first!;
}

beforeAll(async () => {
  const signer = { alg: key.alg, kid: key.kid, jku: 'https://example.org/jwks.json' };
  const a2a = { url: () => api.url, key: () => ({ ...signer, sign: (input: Uint8Array) => key.sign(input) }) };
  api = await startTinyApi({ role: 'hub', a2a });
  for (const role of ['viewer', 'operator'] as const) {
    const made = await caller(api.url, api.adminKey)('POST', '/v1/keys', { name: role, role });
    faces[role] = await facesOf(api.url, (made.json() as { key: string }).key);
  }
});
afterAll(async () => {
  await Promise.all([...faces.viewer, ...faces.operator].map((face) => face.close()));
  await api[Symbol.asyncDispose]();
});

test('the same question has the same answer: a spawn, a look, a kill', async () => {
  const once = newNonce();
  const begun = (await same('operator', () => spawn({}, once))) as { agent: { agentId: string } };
  const { agentId } = begun.agent;
  expect(begun.agent).toMatchObject({ ...job, state: 'running' });
  expect(await same('viewer', () => ({ look: agentId }))).toEqual(begun);
  for (const { ask } of faces.operator) {
    const { agent } = (await ask(spawn())) as { agent: { agentId: string } };
    const dead = await ask({ kill: agent.agentId, reason: 'enough' });
    expect(dead).toMatchObject({ agent: { agentId: agent.agentId, state: 'killed', exitReason: 'killed' } });
    expect(await same('viewer', () => ({ look: agent.agentId }))).toEqual(dead);
  }
});

test('nobody is let in without a key', async () => {
  expect(new Set(await strangers(api.url))).toEqual(new Set(['401 unauthenticated']));
});

describe('the same refusal to the same person', () => {
  const without = (name: string) => Object.fromEntries(Object.entries(job).filter(([field]) => field !== name));
  const cases: [string, Who, () => Question, ErrorCode, string | undefined][] = [
    ['a viewer who spawns', 'viewer', spawn, 'forbidden', undefined],
    ['a viewer who kills', 'viewer', () => ({ kill: nobody, reason: 'x' }), 'forbidden', undefined],
    ['a look at nobody', 'viewer', () => ({ look: nobody }), 'not_found', undefined],
    ['a kill of nobody', 'operator', () => ({ kill: nobody, reason: 'x' }), 'not_found', undefined],
    [
      'no context',
      'operator',
      () => ({ spawn: without('context'), idempotencyKey: newNonce() }),
      'invalid_request',
      'context',
    ],
    ['an unknown field', 'operator', () => spawn({ sudo: true }), 'invalid_request', 'sudo'],
    ['an unknown type of agent', 'operator', () => spawn({ agentType: 'spy' }), 'invalid_request', 'agentType'],
    [
      'an option of git for a repository',
      'operator',
      () => spawn({ context: { ...context, repository: '--upload-pack=x' } }),
      'invalid_request',
      'context.repository',
    ],
    [
      'a limit that is none',
      'operator',
      () => spawn({ options: { limits: { turnsMax: 0 } } }),
      'invalid_request',
      'options.limits.turnsMax',
    ],
    ['a spoke that cannot be one', 'operator', () => spawn({ spoke: '../x' }), 'invalid_request', 'spoke'],
    ['a spoke that is not here', 'operator', () => spawn({ spoke: 'acme' }), 'invalid_request', 'spoke'],
  ];

  test.each(cases)('[S-3] %s', async (_what, who, question, code, field) => {
    const spawned = api.gateway.entries.size;
    expect(await same(who, question)).toMatchObject({ refusal: { code, ...(field !== undefined && { field }) } });
    expect(api.gateway.entries.size).toBe(spawned);
  });

  test('[K-3] while the killswitch is set', async () => {
    const admin = caller(api.url, api.adminKey);
    await admin('POST', '/v1/kill', { reason: 'stop' });
    expect(await same('operator', spawn)).toMatchObject({ refusal: { code: 'latched' } });
    await admin('POST', '/v1/kill/reset', { reason: 'go on' });
  });

  test('with whatever code the gateway refuses', async () => {
    for (const code of errorCodes) {
      api.gateway.failure = new WritError(code, `It was refused: ${code}.`, { field: 'x' });
      const said = (await same('viewer', () => ({ look: nobody }))) as { refusal: { code: string } };
      expect(said.refusal.code).toBe(code);
    }
    api.gateway.failure = undefined;
  });
});
