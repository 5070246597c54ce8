// A2A between processes: the SDK's own client finds a hub by its card and works with agents on a partner's spoke, in both bindings.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Role, TaskState, verifyAgentCardSignature, type Message, type Part, type Task } from '@a2a-js/sdk';
import {
  ClientFactory,
  createAuthenticatingFetchWithRetry,
  JsonRpcTransportFactory,
  RestTransportFactory,
  type Client,
} from '@a2a-js/sdk/client';
import { randomUUID } from 'node:crypto';
import type { SpawnRequestBody } from '#protocol';
import { base64url, flattenedVerify, importJWK, type JWK } from 'jose';
import { A2aCaller, bindings, type SeenEvent, type SeenTask } from '../support/a2a.js';
import { facesOf } from '../support/faces.js';
import { Federation, type Player } from '../support/federation.js';
import { HookReceiver } from '../support/hook-receiver.js';
import { until } from '../support/until.js';

/** Receivers of this test are on this machine. */
const networks = { a2a: { pushNetworks: ['public', 'loopback'] } };

let stage: Federation;
let hub: Player;
let spoke: Player;

/** As a program of somebody's does it: card, then binding. */
function enter(key: string, binding: string, agentType = 'worker'): Promise<Client> {
  const headers = async () => ({ authorization: `Bearer ${key}` });
  const fetchImpl = createAuthenticatingFetchWithRetry(fetch, {
    headers,
    shouldRetryWithHeaders: async () => undefined,
  });
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- the SDK declares its options as a class
  const transports = [new JsonRpcTransportFactory({ fetchImpl }), new RestTransportFactory({ fetchImpl })];
  const factory = new ClientFactory({ transports, preferredTransports: [binding] });
  return factory.createFromUrl(`${hub.instance.url}/a2a/${agentType}/.well-known/agent-card.json`, '');
}

const none = { metadata: undefined, filename: '', mediaType: '' };
const text = (value: string): Part => ({ ...none, content: { $case: 'text', value } });
const data = (value: object): Part => ({ ...none, content: { $case: 'data', value } });

function says(parts: Part[], more: Partial<Message> = {}): Message {
  const empty = { contextId: '', taskId: '', metadata: undefined, extensions: [], referenceTaskIds: [] };
  return { ...empty, messageId: randomUUID(), role: Role.ROLE_USER, parts, ...more };
}

/** The script as text, where and how as data. */
function job(script: string, change: Partial<SpawnRequestBody> = {}): Message {
  const { context, options, spoke } = stage.job('acme', script, change);
  const { workItems, ...where } = context;
  return says([...workItems.map(text), data({ spoke, options, context: where })]);
}

const request = (message: Message, returnImmediately = false) => ({
  ...{ tenant: '', message, metadata: undefined },
  configuration: { acceptedOutputModes: [], taskPushNotificationConfig: undefined, returnImmediately },
});

async function sent(client: Client, message: Message, returnImmediately = false): Promise<Task> {
  const result = await client.sendMessage(request(message, returnImmediately));
  if ('status' in result) return result;
  throw new Error('a message came instead of a task');
}

const of = (id: string) => ({ tenant: '', id });
const texts = (task: Task) =>
  Object.fromEntries(
    task.artifacts.map(({ artifactId, parts }) => [
      artifactId,
      parts.flatMap(({ content }) => (content?.$case === 'text' ? [content.value] : [])).join(''),
    ]),
  );

/** The state that a stream of the task ended with. */
async function lastState(client: Client, id: string): Promise<TaskState | undefined> {
  let state: TaskState | undefined;
  for await (const { payload } of client.resubscribeTask(of(id)))
    if (payload?.$case === 'task' || payload?.$case === 'statusUpdate') state = payload.value.status?.state;
  return state;
}

beforeAll(async () => {
  stage = await Federation.open();
  [hub, spoke] = await Promise.all([stage.hub('hub', networks), stage.spoke('acme')]);
  await stage.pair(hub, spoke);
}, 120_000);
afterAll(() => stage.close(), 60_000);

test('[CARD-SIGN-001] [CARD-SIGN-004] the card is signed with a key that the hub publishes', async () => {
  const get = async (url: string) => (await fetch(url)).json();
  const card = await get(`${hub.instance.url}/.well-known/agent-card.json`);
  const keyOf = async (kid: string, jku = '') => {
    const { keys } = (await get(jku)) as { keys: { kid: string }[] };
    expect(new URL(jku).origin).toBe(hub.instance.url);
    return keys.find((key) => key.kid === kid) as never;
  };
  await verifyAgentCardSignature(keyOf)(card as never);
});

describe.each(['JSONRPC', 'HTTP+JSON'])('over %s', (binding) => {
  let client: Client;

  beforeAll(async () => {
    client = await enter(hub.instance.key, binding);
  });

  test('[CORE-SEND-001] [CORE-EXECUTION-MODE-001] a message is done by an agent on a spoke, once, and leaves report and diff', async () => {
    const message = job('echo over a2a; echo more >> README.md; git commit --quiet --all --message more');
    const task = await sent(client, message);
    expect(task.status?.state).toBe(TaskState.TASK_STATE_COMPLETED);
    expect(texts(task)).toMatchObject({
      report: expect.stringContaining(': completed'),
      diff: expect.stringContaining('+more'),
    });
    expect(await sent(client, message)).toMatchObject({ id: task.id, status: task.status });
    expect((await client.getTask(of(task.id))).metadata?.writ).toMatchObject({ agentId: task.id, state: 'completed' });
    expect((await hub.client.agents.get(task.id)).state).toBe('completed');
  }, 120_000);

  test('[CORE-STREAM-003] [STREAM-ORDER-001] a stream tells each state, then what was left, then the end', async () => {
    const told: string[] = [];
    for await (const { payload } of client.sendMessageStream(request(job('echo streamed')))) {
      if (payload?.$case === 'task') told.push('task');
      if (payload?.$case === 'artifactUpdate') told.push(payload.value.artifact?.artifactId ?? '');
      if (payload?.$case === 'statusUpdate') told.push(TaskState[payload.value.status?.state ?? 0] ?? '');
    }
    const [first, ...rest] = told.map((word) => word.replace('TASK_STATE_', ''));
    expect(first).toBe('task');
    expect(rest.slice(-3)).toEqual(['WORKING', 'report', 'COMPLETED']);
  }, 120_000);

  test('[K-8] [CORE-CANCEL-001] [STREAM-SUB-002] a cancelled task is dead when the answer comes, and who watched saw its end', async () => {
    const { id } = await sent(client, job('echo ready; setsid sleep 600 & sleep 600'), true);
    await stage.running(hub, id);
    expect(stage.watch(spoke, 'sleep 600').length).toBeGreaterThan(0);
    const last = lastState(client, id);
    const task = await client.cancelTask({ ...of(id), metadata: undefined });
    expect(stage.survivors()).toEqual([]);
    expect(task.status?.state).toBe(TaskState.TASK_STATE_CANCELED);
    expect(await last).toBe(TaskState.TASK_STATE_CANCELED);
    const again = client.cancelTask({ ...of(id), metadata: undefined });
    await expect(again).rejects.toMatchObject({ name: expect.stringContaining('TaskNotCancelable') });
  }, 120_000);

  test('what a spoke refuses comes with its code', async () => {
    const refused = sent(client, job('true', { options: { runtime: 'none-such' } }));
    await expect(refused).rejects.toMatchObject({ message: expect.any(String) });
    const unknown = sent(
      client,
      says([text('x'), data({ spoke: 'nowhere', context: { repository: stage.repository, branch: 'main' } })]),
    );
    await expect(unknown).rejects.toThrow('nowhere');
  }, 120_000);
});

test('[S-5] a restart of the hub loses no task; who comes back sees the end, and who is told by push hears of it', async () => {
  const hooked = await HookReceiver.open();
  const client = await enter(hub.instance.key, 'JSONRPC');
  const { id, contextId } = await sent(client, job('echo ready; until [ -e go ]; do sleep 0.1; done'), true);
  await stage.running(hub, id);
  const push = { tenant: '', id: 'mine', taskId: id, url: hooked.url, token: '', authentication: undefined };
  await client.createTaskPushNotificationConfig(push);
  await hub.restart('SIGKILL');
  await stage.connected(hub, spoke);
  const after = await enter(hub.instance.key, 'HTTP+JSON');
  expect((await after.getTask(of(id))).status?.state).toBe(TaskState.TASK_STATE_WORKING);
  const list = {
    tenant: '',
    contextId,
    status: TaskState.TASK_STATE_UNSPECIFIED,
    pageToken: '',
    statusTimestampAfter: undefined,
  };
  expect((await after.listTasks(list)).tasks.map((task) => task.id)).toEqual([id]);
  const ended = (async () => {
    for await (const { payload } of after.resubscribeTask(of(id)))
      if (payload?.$case === 'statusUpdate') return payload.value.status?.state;
    return undefined;
  })();
  await after.cancelTask({ ...of(id), metadata: undefined });
  expect(await ended).toBe(TaskState.TASK_STATE_CANCELED);
  await until('it is told', () => hooked.got.some(({ body }) => body.includes('TASK_STATE_CANCELED')), 20_000);
  await hooked.close();
}, 120_000);

test('a task whose spoke is away is looked at and watched like any other, and one that is cancelled by then never begins', async () => {
  const client = await enter(hub.instance.key, 'JSONRPC');
  const stateOf = async (id: string) => (await client.getTask(of(id))).status?.state;
  await spoke.away('SIGTERM');
  const [never, later] = await Promise.all(['never', 'later'].map((word) => sent(client, job(`echo ${word}`), true)));
  if (!never || !later) throw new Error('there are no tasks');
  expect(await Promise.all([never, later].map(({ id }) => stateOf(id)))).toEqual(
    Array(2).fill(TaskState.TASK_STATE_SUBMITTED),
  );
  const listed = async ({ contextId }: Task, status = TaskState.TASK_STATE_UNSPECIFIED) => {
    const list = { tenant: '', contextId, status, pageToken: '', statusTimestampAfter: undefined };
    return (await client.listTasks(list)).tasks.map(({ id }) => id);
  };
  expect(await listed(later, TaskState.TASK_STATE_SUBMITTED)).toEqual([later.id]);
  const watched = lastState(client, later.id);
  const cancelled = await client.cancelTask({ ...of(never.id), metadata: undefined });
  expect([cancelled.status?.state, await stateOf(never.id)]).toEqual(Array(2).fill(TaskState.TASK_STATE_CANCELED));
  await spoke.back();
  expect(await watched).toBe(TaskState.TASK_STATE_COMPLETED);
  expect(await listed(later)).toEqual([later.id]);
  expect(await listed(never, TaskState.TASK_STATE_CANCELED)).toEqual([never.id]);
  await expect(hub.client.agents.get(never.id)).rejects.toMatchObject({ code: 'not_found' });
}, 120_000);

test('what a hub and its spokes refuse, every face refuses in the same words', async () => {
  const faces = await facesOf(hub.instance.url, hub.instance.key);
  const { context } = stage.job('acme', 'true');
  const wishes: [object, string][] = [
    [{ spoke: 'nowhere' }, 'spoke_unknown'],
    [{ spoke: undefined }, 'invalid_request'],
    [{ context: { ...context, repository: 'https://example.org/other.git' } }, 'grant_denied'],
    [{ options: { runtime: 'none-such' } }, 'grant_denied'],
  ];
  for (const [change, code] of wishes) {
    const spawn = { ...stage.job('acme', 'true'), ...change };
    const said = await Promise.all(faces.map(({ ask }) => ask({ spawn, idempotencyKey: randomUUID() })));
    expect(said[0]).toMatchObject({ refusal: { code } });
    expect(said).toEqual(said.map(() => said[0]));
  }
  await Promise.all(faces.map((face) => face.close()));
}, 120_000);

describe.each(bindings)('push notifications over %s', (binding) => {
  const at = () => new A2aCaller(`${hub.instance.url}/a2a/worker`, binding, hub.instance.key);
  const opened: HookReceiver[] = [];
  const receiver = async () => {
    const one = await HookReceiver.open();
    opened.push(one);
    return one;
  };
  afterAll(() => Promise.all(opened.map((one) => one.close())));

  const config = (url: string) => ({
    ...{ id: 'mine', url, token: 'of-this-task' },
    authentication: { scheme: 'Bearer', credentials: 'open-sesame' },
  });
  const wire = (script: string) => {
    const { context, options, spoke } = stage.job('acme', script);
    const { workItems, ...where } = context;
    const parts = [...workItems.map((text) => ({ text })), { data: { spoke, options, context: where } }];
    return { messageId: randomUUID(), role: 'ROLE_USER', parts };
  };

  test('[PUSH-DELIVER-001] [PUSH-DELIVER-002] [PUSH-DELIVER-003] tell each state to the end, signed, also of a task that ends at once', async () => {
    const hooked = await receiver();
    const configuration = { taskPushNotificationConfig: config(hooked.url) };
    const { result } = await at().ask('SendMessage', { message: wire('echo told'), configuration });
    const { id } = result.task as SeenTask;
    await until('the end is told', () => hooked.got.some(({ body }) => body.includes('TASK_STATE_COMPLETED')));
    const events = hooked.got.map(({ body }) => JSON.parse(body) as SeenEvent);
    const states = events.map((event) => (event.task ?? event.statusUpdate)?.status.state.slice('TASK_STATE_'.length));
    expect(states).toEqual(['SUBMITTED', 'WORKING', 'COMPLETED']);
    expect(events.at(-1)?.task).toMatchObject({ id, artifacts: [{ artifactId: 'report' }] });
    for (const { headers, body } of hooked.got) {
      expect(headers).toMatchObject({
        authorization: 'Bearer open-sesame',
        'x-a2a-notification-token': 'of-this-task',
      });
      const [head = '', , signature = ''] = String(headers['writ-signature']).split('.');
      const payload = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
      await flattenedVerify(
        { protected: head, payload: base64url.encode(payload), signature },
        async ({ jku = '' }) => {
          expect(new URL(jku).origin).toBe(hub.instance.url);
          const { keys } = (await (await fetch(jku)).json()) as { keys: JWK[] };
          return importJWK(keys[0]!);
        },
      );
    }
    await until('nothing is kept of it', async () => {
      const { configs } = (await at().ask('ListTaskPushNotificationConfigs', { taskId: id })).result;
      return (configs as object[]).length === 0;
    });
  }, 120_000);

  test('[PUSH-CREATE-001] [PUSH-CREATE-002] [PUSH-GET-001] [PUSH-GET-002] [PUSH-LIST-001] [PUSH-DEL-001] [PUSH-DEL-002] are kept until they are deleted', async () => {
    const hooked = await receiver();
    const soon = { configuration: { returnImmediately: true } };
    const sent = await at().ask('SendMessage', { message: wire('echo ready; exec sleep 600'), ...soon });
    const { id: taskId } = sent.result.task as SeenTask;
    const which = { taskId, id: 'mine' };
    const shown = { ...which, url: hooked.url, authentication: { scheme: 'Bearer' } };
    const created = await at().ask('CreateTaskPushNotificationConfig', { ...config(hooked.url), taskId });
    expect(created.result).toEqual(shown);
    expect((await at().ask('GetTaskPushNotificationConfig', which)).result).toEqual(shown);
    expect((await at().ask('ListTaskPushNotificationConfigs', { taskId })).result).toMatchObject({ configs: [shown] });
    const another = { ...which, id: 'another' };
    expect((await at().ask('GetTaskPushNotificationConfig', another)).error?.info.metadata?.code).toBe('not_found');
    for (let n = 0; n < 2; n += 1)
      expect((await at().ask('DeleteTaskPushNotificationConfig', which)).error).toBeUndefined();
    expect((await at().ask('GetTaskPushNotificationConfig', which)).error?.info.metadata?.code).toBe('not_found');
    const told = hooked.got.length;
    await at().ask('CancelTask', { id: taskId });
    expect(hooked.got).toHaveLength(told);
  }, 120_000);

  test('are sent to no address that may not be dialled, and then nothing is begun', async () => {
    const bad = { taskPushNotificationConfig: config('https://169.254.169.254/latest') };
    const { error } = await at().ask('SendMessage', { message: wire('echo never'), configuration: bad });
    expect(error?.info.metadata).toMatchObject({ code: 'invalid_request', field: 'url' });
  });
});

test('a task that a person of the spoke has to approve needs input, and goes on by itself', async () => {
  const [seen] = await spoke.client.hubs.list();
  const approval = { grant: stage.grant({ approval: { withinS: 600 } }), reason: 'a person looks' };
  const put = await spoke.call('PUT', `/v1/hubs/${seen!.name}/grant`, approval, { 'if-match': '*' });
  expect(put.status).toBe(200);
  const client = await enter(hub.instance.key, 'JSONRPC');
  const task = await sent(client, job('echo approved'));
  expect(task.status?.state).toBe(TaskState.TASK_STATE_INPUT_REQUIRED);
  const [part] = task.status?.message?.parts ?? [];
  expect(part?.content).toMatchObject({ value: expect.stringContaining('person of the spoke') });
  await expect(sent(client, says([text('yes')], { taskId: task.id }))).rejects.toThrow('only a person of the spoke');
  const { questionId } = (task.metadata?.writ as { question: { questionId: string } }).question;
  expect((await spoke.call('POST', `/v1/questions/${questionId}`, { allow: true })).status).toBeLessThan(300);
  const done = await until('it is done', async () => {
    const { status } = await client.getTask(of(task.id));
    return status?.state === TaskState.TASK_STATE_COMPLETED;
  });
  expect(done).toBe(true);
}, 120_000);
