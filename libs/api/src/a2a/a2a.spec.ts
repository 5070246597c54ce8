// A2A over real HTTP, byte by byte and in both bindings. The ids in the titles are the requirements of the official compatibility kit
// (test/a2a-kit.ts); what needs a spoke is tried in test/e2e/a2a.spec.ts with the SDK's own client.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { verifyAgentCardSignature } from '@a2a-js/sdk';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { newNonce, SigningKey, type Question } from '#protocol';
import { beyond, mandatory } from '../../../../test/a2a-kit.js';
import { A2aCaller, bindings, type Answered, type Binding, type SeenTask } from '../../../../test/support/a2a.js';
import { caller } from '../../../../test/support/call.js';
import { root } from '../../../../test/support/instance.js';
import { startTinyApi, type TinyApi } from '../../../../test/support/tiny-api.js';
import { until } from '../../../../test/support/until.js';

const key = SigningKey.generate();
const nobody = '00000000-0000-8000-8000-00000000000a';
const where = { repository: 'https://example.org/repo.git', branch: 'main' };
const soon = { configuration: { returnImmediately: true } };

let api: TinyApi;
let url = '';
const keys = { viewer: '', operator: '' };

const message = (more: object = {}) => ({
  messageId: newNonce(),
  role: 'ROLE_USER',
  parts: [{ text: 'mend the sum' }, { data: { context: where } }],
  ...more,
});
const taskOf = ({ result }: Answered) => result.task as SeenTask;
const bare = (key?: string) => caller(url, key);

beforeAll(async () => {
  const signer = { alg: key.alg, kid: key.kid, sign: (input: Uint8Array) => key.sign(input) };
  const a2a = { url: () => url, key: () => ({ ...signer, jku: `${url}/jwks.json` }) };
  api = await startTinyApi({ role: 'hub', a2a });
  ({ url } = api);
  for (const role of ['viewer', 'operator'] as const)
    keys[role] = ((await bare(api.adminKey)('POST', '/v1/keys', { name: role, role })).json() as { key: string }).key;
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

describe('the agent card', () => {
  const paths = ['/.well-known/agent-card.json', '/a2a/reviewer/.well-known/agent-card.json'];

  test.each(paths)('[CARD-DISC-001] [CARD-STRUCT-001] [DM-SERIAL-004] %s is there for everybody', async (path) => {
    const card = (await bare()('GET', path)).json() as Record<string, unknown>;
    const needed = ['name', 'description', 'version', 'defaultInputModes', 'defaultOutputModes', 'skills'];
    for (const field of needed) expect(card[field]).not.toHaveLength(0);
    expect(card.capabilities).toEqual({ streaming: true, pushNotifications: false, extendedAgentCard: false });
    expect(card.securitySchemes).toMatchObject({ key: { httpAuthSecurityScheme: { scheme: 'Bearer' } } });
  });

  test('[CARD-PROTO-001] [CARD-PROTO-002] [BIND-FIELD-001] [BIND-EQUIV-001] names both bindings where they are', async () => {
    const card = (await bare()('GET', paths[1]!)).json() as { supportedInterfaces: object[]; skills: object[] };
    const at = { url: `${url}/a2a/reviewer`, protocolVersion: '1.0' };
    expect(card.supportedInterfaces).toEqual(bindings.map((binding) => ({ ...at, protocolBinding: nameOf(binding) })));
    expect(card.skills).toMatchObject([{ id: 'reviewer' }]);
    for (const binding of bindings)
      expect((await new A2aCaller(at.url, binding, keys.viewer).ask('ListTasks', {})).result.tasks).toEqual([]);
  });

  test('[CARD-SIGN-001] [CARD-SIGN-002] [CARD-SIGN-003] is signed over its canonical form without the signatures', async () => {
    const card = (await bare()('GET', paths[0]!)).json() as SignedCard;
    await verifyAgentCardSignature(async () => key.publicJwk)(card as never);
    const { protected: head } = card.signatures[0]!;
    expect(JSON.parse(Buffer.from(head, 'base64url').toString())).toEqual({
      ...{ alg: 'Ed25519', typ: 'JOSE', kid: key.kid, jku: `${url}/jwks.json` },
    });
    expect(isSigned(card, key)).toBe(true);
  });

  test('[CARD-SIGN-004] is not taken when it was changed or signed by another key', async () => {
    const card = (await bare()('GET', paths[0]!)).json() as SignedCard;
    expect(isSigned({ ...card, name: 'Another' }, key)).toBe(false);
    expect(isSigned(card, SigningKey.generate())).toBe(false);
  });

  test('may be kept for a while', async () => {
    const { headers } = await bare()('GET', paths[0]!);
    expect(headers['cache-control']).toBe('public, max-age=300');
    const again = await bare()('GET', paths[0]!, undefined, { 'if-none-match': String(headers.etag) });
    expect(again.status).toBe(304);
  });
});

describe.each(bindings)('A2A over %s', (binding) => {
  const at = (role: 'viewer' | 'operator' = 'operator', headers?: Record<string, string>) =>
    new A2aCaller(`${url}/a2a`, binding, keys[role], headers);
  const begun = async (more: object = {}) => taskOf(await at().ask('SendMessage', { message: message(more), ...soon }));

  test('[CORE-SEND-001] [CORE-EXECUTION-MODE-002] [CORE-MULTI-001a] [CORE-MULTI-003] [DM-TASK-001] [DM-TASK-002] [DM-STATUS-001] a message becomes a task', async () => {
    const [first, second] = [await begun(), await begun()];
    expect(first).toMatchObject({ id: expect.any(String), contextId: expect.stringMatching(/^a2a-/) });
    expect(first.status).toMatchObject({ state: 'TASK_STATE_WORKING' });
    expect(second.id).not.toBe(first.id);
    expect(second.contextId).not.toBe(first.contextId);
    expect(api.gateway.callers.at(-1)).toMatchObject({ role: 'operator', actor: { kind: 'key' } });
  });

  test('[S-8] the same message is the same task, also when it is sent again much later', async () => {
    const sent = { message: message(), ...soon };
    const [first, second] = [await at().ask('SendMessage', sent), await at().ask('SendMessage', sent)];
    expect(taskOf(second)).toEqual(taskOf(first));
  });

  test('[CORE-EXECUTION-MODE-001] waits for the end unless it is told not to', async () => {
    const before = api.gateway.entries.size;
    let answered = false;
    const sent = at().ask('SendMessage', { message: message() });
    void sent.then(() => (answered = true));
    await until('it is spawned', () => api.gateway.entries.size > before);
    await until('it is followed', () => api.gateway.reading > 0);
    expect(answered).toBe(false);
    api.gateway.end([...api.gateway.entries.keys()].at(-1)!);
    expect(taskOf(await sent).status.state).toBe('TASK_STATE_COMPLETED');
  });

  test('[CORE-GET-001] [DM-MSG-001] [DM-MSG-002] [DM-PART-001] [DM-SERIAL-001] [DM-SERIAL-002] [DM-SERIAL-003] shows a task as it is now', async () => {
    const { id, contextId } = await begun();
    const { result } = await at('viewer').ask('GetTask', { id });
    expect(result).toMatchObject({ id, contextId, status: { state: 'TASK_STATE_WORKING' } });
    const task = result as unknown as SeenTask;
    expect(new Date(task.status.timestamp).toISOString()).toBe(task.status.timestamp);
    const given = { messageId: `${id}.given`, contextId, taskId: id, role: 'ROLE_USER' };
    expect(task.history).toEqual([{ ...given, parts: [{ text: 'mend the sum', mediaType: 'text/plain' }] }]);
    expect(task.metadata.writ).toEqual((await bare(keys.viewer)('GET', `/v1/agents/${id}`)).json());
  });

  test('[CORE-HIST-002] gives no more history than is asked for', async () => {
    const { id } = await begun();
    expect((await at().ask('GetTask', { id, historyLength: 0 })).result).not.toHaveProperty('history');
    expect((await at().ask('GetTask', { id, historyLength: 1 })).result.history).toHaveLength(1);
    const none = { returnImmediately: true, historyLength: 0 };
    const sent = await at().ask('SendMessage', { message: message(), configuration: none });
    expect(sent.result.task).not.toHaveProperty('history');
    expect((await at().ask('GetTask', { id, historyLength: -1 })).error?.info.metadata?.field).toBe('historyLength');
  });

  test('[DM-ART-001] what an agent left is an artifact: its report, and what it changed', async () => {
    const { id } = await begun();
    const result = { summary: 'mended', items: [{ item: 0, status: 'done' as const, note: 'one line' }] };
    api.gateway.end(id, { state: 'completed', exitReason: 'finished', result: { ...result, commit: '1'.repeat(40) } });
    const { artifacts = [] } = (await at().ask('GetTask', { id })).result as unknown as SeenTask;
    expect(artifacts.map(({ artifactId }) => artifactId)).toEqual(['report', 'diff']);
    const [report, diff] = artifacts;
    expect(report?.parts[0]?.data).toEqual((await bare(keys.viewer)('GET', `/v1/agents/${id}/report`)).json());
    expect(report?.parts[1]).toMatchObject({ mediaType: 'text/markdown', text: expect.stringContaining('mended') });
    expect(diff?.parts).toMatchObject([{ mediaType: 'text/x-diff', text: expect.stringContaining('+a + b') }]);
  });

  test('[CORE-LIST-001] [CORE-LIST-002] [CORE-LIST-003] [CORE-LIST-004] [HTTP_JSON-QP-001] lists by the last change, in pages', async () => {
    const contextId = `pages-${newNonce().slice(0, 6).replaceAll(/[_-]/g, 'x')}`;
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) ids.push((await begun({ contextId })).id);
    await new Promise((resolve) => setTimeout(resolve, 2));
    api.gateway.end(ids[0]!);
    const page = async (more: object = {}) => (await at('viewer').ask('ListTasks', { contextId, ...more })).result;
    const all = (await page()) as { tasks: SeenTask[]; nextPageToken: string; totalSize: number; pageSize: number };
    expect(all).toMatchObject({ nextPageToken: '', totalSize: 3, pageSize: 50 });
    expect(all.tasks[0]?.id).toBe(ids[0]);
    const times = all.tasks.map(({ status }) => Date.parse(status.timestamp));
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    const first = await page({ pageSize: 2 });
    const rest = await page({ pageSize: 2, pageToken: first.nextPageToken });
    expect(rest.nextPageToken).toBe('');
    expect([...(first.tasks as SeenTask[]), ...(rest.tasks as SeenTask[])]).toEqual(all.tasks);
    const since = all.tasks[0]!.status.timestamp;
    expect((await page({ statusTimestampAfter: since })).totalSize).toBe(1);
    expect((await page({ status: 'TASK_STATE_COMPLETED' })).tasks).toMatchObject([{ id: ids[0] }]);
  });

  test('[CORE-LIST-005] leaves artifacts out of a list unless they are asked for', async () => {
    const contextId = `left-${newNonce().slice(0, 6).replaceAll(/[_-]/g, 'x')}`;
    const { id } = await begun({ contextId });
    const list = async (more: object) =>
      ((await at().ask('ListTasks', { contextId, ...more })).result.tasks as SeenTask[])[0];
    expect(await list({})).not.toHaveProperty('artifacts');
    expect(await list({ includeArtifacts: true })).toHaveProperty('artifacts', []);
    api.gateway.end(id, { state: 'completed', exitReason: 'finished', result: { summary: 'x', items: [] } });
    expect(await list({ includeArtifacts: true })).toMatchObject({ artifacts: [{ artifactId: 'report' }] });
  });

  test('[CORE-CANCEL-001] [CORE-CANCEL-002] [CORE-SEND-002] a cancelled task is dead, and takes nothing more', async () => {
    const { id } = await begun();
    const { result } = await at().ask('CancelTask', { id });
    expect(result).toMatchObject({ id, status: { state: 'TASK_STATE_CANCELED' } });
    expect((await at().ask('CancelTask', { id })).error).toMatchObject({
      code: binding === 'JSON-RPC' ? -32_002 : 400,
      info: { reason: 'TASK_NOT_CANCELABLE', metadata: { code: 'invalid_transition' } },
    });
    const more = await at().ask('SendMessage', { message: message({ taskId: id, parts: [{ text: 'go on' }] }) });
    expect(more.error).toMatchObject({ info: { reason: 'UNSUPPORTED_OPERATION' } });
  });

  test('[CORE-STREAM-001] [CORE-STREAM-003] [JSONRPC-SSE-001] [HTTP_JSON-SSE-001] a stream begins with the task and closes with its end', async () => {
    const { type, events } = await at().stream('SendStreamingMessage', { message: message() }, (events) => {
      if (events.length === 1) api.gateway.end(events[0]!.task!.id);
    });
    expect(type).toMatch(/^text\/event-stream/);
    expect(events.map((event) => Object.keys(event))).toEqual([['task'], ['statusUpdate']]);
    expect(events[1]?.statusUpdate?.status.state).toBe('TASK_STATE_COMPLETED');
  });

  test('[STREAM-SUB-001] [STREAM-SUB-002] [STREAM-ORDER-001] [STREAM-ORDER-002] [STREAM-ORDER-003] [STREAM-ORDER-004] who subscribes sees the same as all others', async () => {
    const { id } = await begun();
    const left = new AbortController();
    const both = [at(), at('viewer')].map((one) => one.stream('SubscribeToTask', { id }));
    const gone = at('viewer')
      .stream('SubscribeToTask', { id }, undefined, left.signal)
      .catch(() => undefined);
    await until('both read', () => api.gateway.reading >= 3);
    left.abort();
    await gone;
    const result = { summary: 'done', items: [] };
    api.gateway.end(id, { state: 'failed', exitReason: 'exit_code', reason: 'It ended with 1.', result });
    const [one, other] = await Promise.all(both);
    expect(one?.events).toEqual(other?.events);
    expect(one?.events[0]?.task).toMatchObject({ id, status: { state: 'TASK_STATE_WORKING' } });
    expect(one?.events[1]?.artifactUpdate?.artifact.artifactId).toBe('report');
    expect(one?.events.at(-1)?.statusUpdate?.status).toMatchObject({
      state: 'TASK_STATE_FAILED',
      message: { parts: [{ text: 'It ended with 1.' }] },
    });
  });

  test('[STREAM-SUB-003] [JSONRPC-SSE-002] nobody subscribes to what is over', async () => {
    const { id } = await begun();
    api.gateway.end(id);
    const { error } = await at().ask('SubscribeToTask', { id });
    expect(error).toMatchObject({
      code: binding === 'JSON-RPC' ? -32_004 : 400,
      info: { reason: 'UNSUPPORTED_OPERATION' },
    });
  });

  test('[AUTH-INTASK-001] [AUTH-INTASK-003] [AUTH-INTASK-004] an open question is a task that needs input, with words of who can answer', async () => {
    const { id } = await begun();
    const asked = { questionId: newNonce(), kind: 'permission', title: 'May it push?', askedAt: now(), until: now() };
    const question = { ...asked, options: [{ id: 'yes', label: 'Yes', allows: true }] } as Question;
    const entry = api.gateway.entries.get(id)!;
    entry.agent = { ...entry.agent, question };
    const { status } = (await at().ask('GetTask', { id })).result as unknown as SeenTask;
    expect(status.state).toBe('TASK_STATE_INPUT_REQUIRED');
    expect(status.message?.parts[0]?.text).toContain('May it push? A person of the spoke has to answer');
    const sent = await at().ask('SendMessage', { message: message({ taskId: id, parts: [{ text: 'yes' }] }) });
    expect(sent.error).toMatchObject({ message: expect.stringContaining('only a person of the spoke') });
  });

  test('[CORE-MULTI-005] [CORE-MULTI-006] a message to a session is its next turn, in its context', async () => {
    const { id, contextId } = await begun();
    const entry = api.gateway.entries.get(id)!;
    entry.agent = { ...entry.agent, activity: 'idle' };
    const turn = { taskId: id, parts: [{ text: 'and the product' }] };
    const sent = taskOf(await at().ask('SendMessage', { message: message(turn), ...soon }));
    expect(sent).toMatchObject({ id, contextId, status: { state: 'TASK_STATE_INPUT_REQUIRED' } });
    expect(sent.metadata.writ).toMatchObject({ turns: { taken: 2, last: { result: { summary: 'and the product' } } } });
    const strange = await at().ask('SendMessage', { message: message({ ...turn, contextId: 'another' }) });
    expect(strange.error?.info.metadata).toMatchObject({ code: 'invalid_request', field: 'contextId' });
  });

  test('a spawn that its spoke has not answered is said to be on its way', async () => {
    api.gateway.pendingId = newNonce();
    const { error } = await at().ask('SendMessage', { message: message(), ...soon });
    api.gateway.pendingId = undefined;
    expect(error).toMatchObject({ info: { metadata: { code: 'timed_out' } }, message: expect.stringContaining('far') });
  });

  const unknown = ['GetTask', 'CancelTask', 'SubscribeToTask'] as const;
  test.each(unknown)(
    '[CORE-GET-002] [CORE-CANCEL-003] [STREAM-SUB-004] [AUTH-SCOPE-003] [JSONRPC-ERR-002] [JSONRPC-ERR-003] [HTTP_JSON-ERR-002] [HTTP_JSON-STATUS-001] %s of nobody',
    async (method) => {
      for (const id of [nobody, 'no-id-of-ours']) {
        const { error } = await at().ask(method, { id });
        expect(error?.code).toBe(binding === 'JSON-RPC' ? -32_001 : 404);
        expect(error?.info).toMatchObject({
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          ...{ reason: 'TASK_NOT_FOUND', domain: 'a2a-protocol.org', metadata: { code: 'not_found' } },
        });
      }
    },
  );

  test('[CORE-MULTI-004] a message to a task that is not there', async () => {
    const { error } = await at().ask('SendMessage', { message: message({ taskId: nobody }) });
    expect(error?.info.reason).toBe('TASK_NOT_FOUND');
  });

  test('the task of another type of agent is not at this card', async () => {
    const { id } = await begun();
    const elsewhere = new A2aCaller(`${url}/a2a/tester`, binding, keys.operator);
    expect((await elsewhere.ask('GetTask', { id })).error?.info.reason).toBe('TASK_NOT_FOUND');
    const wrong = message({ parts: [{ text: 'x' }, { data: { agentType: 'worker', context: where } }] });
    expect((await elsewhere.ask('SendMessage', { message: wrong })).error?.info.metadata?.field).toBe('agentType');
  });

  const media: [string, object][] = [
    ['a file', { raw: 'AAAA', mediaType: 'image/png' }],
    ['a link', { url: 'https://example.org/x.pdf' }],
    ['text of another type', { text: '<a/>', mediaType: 'text/html' }],
  ];
  test.each(media)('[CORE-SEND-003] %s is not taken', async (_what, part) => {
    const parts = [{ text: 'look' }, { data: { context: where } }, part];
    const { error } = await at().ask('SendMessage', { message: message({ parts }) });
    expect(error?.code).toBe(binding === 'JSON-RPC' ? -32_005 : 400);
    expect(error?.info).toMatchObject({ reason: 'CONTENT_TYPE_NOT_SUPPORTED', metadata: { field: 'message.parts' } });
  });

  const bad: [string, object, string][] = [
    ['no parts', { parts: [] }, 'message.parts'],
    ['a part of nothing', { parts: [{}] }, 'message.parts[0]'],
    ['no id', { messageId: '' }, 'message.messageId'],
    ['somebody else’s role', { role: 'ROLE_AGENT' }, 'message.role'],
    ['[CORE-MULTI-002a] a context that cannot be', { contextId: '../x' }, 'message.contextId'],
    ['no repository', { parts: [{ text: 'x' }] }, 'context.repository'],
    ['two requests', { metadata: { writ: {} } }, 'message.parts'],
  ];
  test.each(bad)('[CORE-ERR-001] [CORE-ERR-002] [S-3] %s', async (_what, more, field) => {
    const { error } = await at().ask('SendMessage', { message: message(more) });
    expect(error?.code).toBe(binding === 'JSON-RPC' ? -32_602 : 400);
    expect(error?.info.metadata).toMatchObject({ code: 'invalid_request', field });
    expect(error?.details[1]).toMatchObject({ fieldViolations: [{ field }] });
  });

  test('a page that is none', async () => {
    const fields = async (params: Record<string, unknown>) =>
      (await at().ask('ListTasks', params)).error?.info.metadata?.field;
    expect(await fields({ pageSize: 101 })).toBe('pageSize');
    expect(await fields({ pageToken: 'x' })).toBe('pageToken');
    expect(await fields({ status: 'TASK_STATE_RUNNING' })).toBe('status');
  });

  test('[CORE-CAP-001] [CORE-CAP-003] what the card does not declare is refused', async () => {
    const { id } = await begun();
    const push = { taskId: id, id: 'x', url: 'https://example.org' };
    const of = ['Create', 'Get', 'Delete'].map((verb) => at().ask(`${verb}TaskPushNotificationConfig`, push));
    for (const { error } of await Promise.all([...of, at().ask('ListTaskPushNotificationConfigs', { taskId: id })]))
      expect(error?.info.reason).toBe('PUSH_NOTIFICATION_NOT_SUPPORTED');
    const configuration = { taskPushNotificationConfig: { url: 'https://example.org' } };
    const before = api.gateway.entries.size;
    const { error } = await at().ask('SendMessage', { message: message(), configuration });
    expect(error?.info.reason).toBe('PUSH_NOTIFICATION_NOT_SUPPORTED');
    expect(api.gateway.entries.size).toBe(before);
    expect((await at().ask('GetExtendedAgentCard', {})).error?.info.reason).toBe('UNSUPPORTED_OPERATION');
  });

  const versions: [string, Record<string, string>, boolean][] = [
    ['[VER-SERVER-001] 1.0', { 'a2a-version': '1.0' }, true],
    ['[VER-CLIENT-002] a patch', { 'a2a-version': '1.0.7' }, true],
    ['[VER-SERVER-002] one that does not exist', { 'a2a-version': '99.0' }, false],
    ['[VER-SERVER-003] [VER-CLIENT-001] none, which is 0.3', {}, false],
    ['[JSONRPC-SVC-002] [HTTP_JSON-SVC-002] with extensions', { 'A2A-Version': '1.0', 'A2A-Extensions': 'x:y' }, true],
  ];
  test.each(versions)('speaks the version that is asked for: %s', async (_what, headers, isSpoken) => {
    const { error } = await at('viewer', headers).ask('ListTasks', {});
    expect(error?.info.reason).toBe(isSpoken ? undefined : 'VERSION_NOT_SUPPORTED');
    if (error) expect(error.code).toBe(binding === 'JSON-RPC' ? -32_009 : 400);
  });

  test('[AUTH-SERVER-002] [AUTH-SCOPE-001] [AUTH-SCOPE-002] [BIND-EQUIV-004] wants a key, and the role for it', async () => {
    const stranger = await new A2aCaller(`${url}/a2a`, binding, undefined).ask('ListTasks', {});
    expect(stranger).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
    expect(stranger.error?.info.metadata?.code).toBe('unauthenticated');
    for (const method of ['SendMessage', 'SendStreamingMessage', 'CancelTask'])
      expect((await at('viewer').ask(method, { message: message(), id: nobody })).error?.info).toMatchObject({
        ...{ reason: 'FORBIDDEN', domain: 'writ', metadata: { code: 'forbidden' } },
      });
  });
});

describe('the words of JSON-RPC', () => {
  const post = (body: unknown) => bare(keys.viewer)('POST', '/a2a', body, { 'a2a-version': '1.0' });

  test('[JSONRPC-FMT-001] [JSONRPC-FMT-002] [JSONRPC-SVC-001] gives the id back, whatever kind it has', async () => {
    for (const id of [1, 'one', null]) {
      const answer = await post({ jsonrpc: '2.0', id, method: 'ListTasks', params: {} });
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
      expect(answer.json()).toMatchObject({ jsonrpc: '2.0', id, result: { nextPageToken: '' } });
    }
  });

  test.each([
    ['{"jsonrpc": "2.0", "method": ', -32_700],
    ['[]', -32_600],
    ['{"id": 1, "method": "ListTasks"}', -32_600],
    ['{"jsonrpc": "2.0", "id": 1, "method": "tasks/list"}', -32_601],
    ['{"jsonrpc": "2.0", "id": 1, "method": "toString"}', -32_601],
    ['{"jsonrpc": "2.0", "id": 1, "method": "GetTask", "params": []}', -32_602],
  ])('[JSONRPC-ERR-001] %s', async (body, code) => {
    expect((await post(body)).json()).toMatchObject({ jsonrpc: '2.0', error: { code, message: expect.any(String) } });
  });
});

describe('the words of HTTP+JSON', () => {
  const get = (path: string, more: object = {}) => bare(keys.viewer)('GET', `/a2a${path}`, undefined, { ...more });

  test('[HTTP_JSON-SVC-001] [HTTP_JSON-URL-001] [HTTP_JSON-URL-002] answers in the type that is taken', async () => {
    const type = async (accept: string) =>
      (await get('/tasks', { accept, 'a2a-version': '1.0' })).headers['content-type'];
    expect(await type('application/a2a+json, application/json')).toMatch('application/a2a+json');
    expect(await type('*/*')).toMatch('application/json');
    expect((await get('/tasks?A2A-Version=1.0')).status).toBe(200);
  });

  test('[HTTP_JSON-ERR-001] an error is a status of google.rpc', async () => {
    const answer = await get(`/tasks/${nobody}?A2A-Version=1.0`);
    expect(answer.status).toBe(404);
    expect(answer.json()).toMatchObject({ error: { code: 404, status: 'NOT_FOUND', message: expect.any(String) } });
    const post = bare(keys.viewer);
    const other = await post('POST', '/a2a/message:send', '<x/>', { 'content-type': 'text/xml' });
    const media = { reason: 'CONTENT_TYPE_NOT_SUPPORTED', metadata: { field: 'content-type' } };
    expect(other.json()).toMatchObject({ error: { code: 400, details: [media, {}] } });
    const broken = await post('POST', '/a2a/message:send', '{', { 'a2a-version': '1.0' });
    expect(broken.json()).toMatchObject({ error: { code: 400, status: 'INVALID_ARGUMENT' } });
    expect((await post('POST', `/a2a/tasks/${nobody}:pause`)).status).toBe(400);
  });
});

test('[BIND-EQUIV-002] [BIND-EQUIV-003] both bindings say the same of the same', async () => {
  const asked: [string, Record<string, unknown>][] = [
    ['ListTasks', { pageSize: 3, includeArtifacts: true }],
    ['GetTask', { id: [...api.gateway.entries.keys()][0] }],
    ['GetTask', { id: nobody }],
    ['SendMessage', { message: { parts: [] } }],
    ['CancelTask', { id: nobody }],
    ['GetExtendedAgentCard', {}],
  ];
  for (const [method, params] of asked) {
    const [one, other] = await Promise.all(
      bindings.map((binding) => new A2aCaller(`${url}/a2a`, binding, keys.operator).ask(method, params)),
    );
    expect(one?.error?.details).toEqual(other?.error?.details);
    if (!one?.error) expect(one?.result).toEqual(other?.result);
  }
});

test('[K-9] a kill is never told to come later', async () => {
  await using tight = await startTinyApi({
    ...{ role: 'hub', requestsPerMinuteMax: 2 },
    a2a: { url: () => url, key: () => ({ alg: key.alg, kid: key.kid, jku: url, sign: (input) => key.sign(input) }) },
  });
  for (const binding of bindings) {
    const one = new A2aCaller(`${tight.url}/a2a`, binding, tight.adminKey);
    for (let n = 0; n < 3; n += 1) await one.ask('ListTasks', {});
    expect((await one.ask('ListTasks', {})).error?.info.metadata?.code).toBe('rate_limited');
    expect((await one.ask('CancelTask', { id: nobody })).error?.info.reason).toBe('TASK_NOT_FOUND');
  }
});

test('every mandatory requirement of the compatibility kit is shown by a test', () => {
  const files = ['libs/api/src/a2a/a2a.spec.ts', 'test/e2e/a2a.spec.ts'].map((file) => join(root, file));
  const titles = files.flatMap((file) => readFileSync(file, 'utf8').match(/\[[A-Z]+(_JSON)?(-[A-Z]+)+-\d+a?\]/g) ?? []);
  const cited = new Set(titles.map((id) => id.slice(1, -1)));
  expect(mandatory.filter((id) => !cited.has(id))).toEqual([]);
  expect([...cited].filter((id) => !mandatory.includes(id))).toEqual([]);
  expect(mandatory.filter((id) => id in beyond)).toEqual([]);
});

const now = () => new Date().toISOString();
const nameOf = (binding: Binding) => (binding === 'JSON-RPC' ? 'JSONRPC' : binding);

interface SignedCard {
  readonly name: string;
  readonly signatures: readonly { readonly protected: string; readonly signature: string }[];
}

/** By 8.4.3 of the specification. */
function isSigned({ signatures, ...content }: SignedCard, { verifying }: SigningKey): boolean {
  const payload = Buffer.from(canonical(content)).toString('base64url');
  return signatures.some(({ protected: head, signature }) =>
    verifying.verify(Buffer.from(`${head}.${payload}`), Buffer.from(signature, 'base64url')),
  );
}

/** RFC 8785 of what has no numbers. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`).join(',')}}`;
}
