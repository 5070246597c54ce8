import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { agentEvent, newNonce, type GrantInput, type OperationName } from '#protocol';
import { agentEvents } from '#agents';
import { Acts } from '#api';
import { WritContext } from '#federation';
import { ChainedLog, openSqliteStore, type Store } from '#store';
import { until } from '../../../../test/support/until.js';
import { GrantGuard } from './grant.guard.js';
import { GrantsService } from './grants.service.js';

const admin = { kind: 'key', id: 'admin' } as const;
const con = newNonce();
const grant: GrantInput = { operations: ['agent.status', 'agent.spawn'], agentTypes: ['worker'], repositories: ['**'] };

describe('grants', () => {
  let store: Store;
  let log: ChainedLog;
  const stop = new AbortController();
  const service = () => new GrantsService(store, new Acts(log), 'spoke');
  beforeEach(async () => {
    store = await openSqliteStore({ path: ':memory:' });
    log = new ChainedLog(store, ['acts']);
  });
  afterEach(() => store.close());

  test('count their versions from 1 and survive a restart', async () => {
    const first = service();
    expect((await first.set(con, grant, { actor: admin })).after.version).toBe(1);
    expect((await first.set(con, { ...grant, concurrentMax: 1 }, { actor: admin })).after.version).toBe(2);
    expect(await service().get(con)).toMatchObject({ version: 2, grant: { concurrentMax: 1 } });
  });

  test('two admins at once make two versions, never one', async () => {
    const [a, b] = [service(), service()];
    const held = await Promise.all([a, b, a, b].map((one) => one.set(con, grant, { actor: admin })));
    expect(held.map(({ after: { version } }) => version).sort()).toEqual([1, 2, 3, 4]);
  });

  test('an edit of an older version is refused, at the moment of the write', async () => {
    const grants = service();
    await grants.set(con, grant, { actor: admin });
    const edits = [1, 2].map((concurrentMax) =>
      service().set(con, { ...grant, concurrentMax }, { actor: admin, expected: 1 }),
    );
    const ends = await Promise.allSettled(edits);
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(grants.set(con, grant, { actor: admin, expected: 1 })).rejects.toMatchObject({
      code: 'conflict',
      field: 'If-Match',
    });
  });

  test('a change is an event of the connection; the first grant is none', async () => {
    const grants = service();
    await grants.set(con, grant, { actor: admin });
    await grants.set(con, grant, { actor: admin });
    const rows = await store.read(agentEvents(con), { after: 0 });
    expect(rows.map(({ value }) => agentEvent.parse(value))).toMatchObject([
      { type: 'grant.changed', subject: con, data: { version: 2 } },
    ]);
  });

  test('a look at what an edit would do leaves no version, no event and no act', async () => {
    const grants = service();
    await grants.set(con, grant, { actor: admin });
    const wish = { ...grant, concurrentMax: 1 };
    const { before, after } = await grants.preview(con, wish, { actor: admin, expected: 1 });
    expect([before?.grant.concurrentMax, after.grant.concurrentMax]).toEqual([5, 1]);
    expect((await service().get(con)).version).toBe(1);
    expect(await store.read(agentEvents(con), { after: 0 })).toEqual([]);
    expect(await log.read(0)).toHaveLength(1);
    await expect(grants.preview(con, wish, { actor: admin, expected: 3 })).rejects.toMatchObject({ code: 'conflict' });
  });

  test('who changed what, and why, is in the chained log and beside the grant', async () => {
    await service().set(con, grant, { actor: admin, reason: 'their contract' });
    expect((await log.read(0))[0]?.entry).toMatchObject({
      ...{ act: 'grant.set', subject: con, actor: admin },
      detail: { version: 1, reason: 'their contract' },
    });
    expect((await service().get(con)).edited).toMatchObject({ actor: admin, reason: 'their contract' });
  });

  test.each([
    [{ ...grant, everything: true }, 'grant.'],
    [{ ...grant, operations: ['agent.spawn', 'root'] }, 'grant.operations.1'],
    [{ ...grant, operations: '__proto__' }, 'grant.operations'],
    [{ ...grant, concurrentMax: -1 }, 'grant.concurrentMax'],
    [{ ...grant, limits: { turnsMax: 1e99 } }, 'grant.limits.turnsMax'],
    [{ ...grant, repositories: ['a b\n'] }, 'grant.repositories.0'],
    [null, 'grant.'],
  ])('[F-5] hostile input is refused by name and changes nothing: %j', async (input, field) => {
    const set = service().set(con, input as GrantInput, { actor: admin });
    await expect(set).rejects.toMatchObject({ code: 'invalid_request', field });
    expect(await service().find(con)).toBeUndefined();
  });

  test('a grant that another replica narrowed is the one that decides here', async () => {
    const [here, there] = [service(), service()];
    await here.set(con, grant, { actor: admin });
    const told: string[] = [];
    here.changed = (id) => told.push(id);
    const following = here.follow(stop.signal);
    await here.get(con);
    await until('the news', async () => {
      await there.set(con, { operations: [] }, { actor: admin });
      return here.known(con)?.grant.operations.length === 0;
    });
    expect(told).toContain(con);
    stop.abort();
    await following;
  });
});

describe('the guard', () => {
  let store: Store;
  let grants: GrantsService;
  let guard: GrantGuard;
  beforeEach(async () => {
    store = await openSqliteStore({ path: ':memory:' });
    grants = new GrantsService(store, new Acts(new ChainedLog(store, ['acts'])), 'spoke');
    guard = new GrantGuard(grants);
  });
  afterEach(() => store.close());

  const contextOf = (op: OperationName) =>
    new WritContext({
      ...{ connectionId: con, peerId: 'hub', id: '0', op, kind: 'query', args: {}, gv: 0 },
      ...{ raw: '', jti: '', h: '', signal: new AbortController().signal },
    });
  /** As Nest asks it for a message handler. */
  async function ask(op: OperationName, args: object): Promise<WritContext> {
    const context = contextOf(op);
    const execution = new ExecutionContextHost([args, context]);
    execution.setType('rpc');
    await guard.canActivate(execution);
    return context;
  }
  const spawn = (agentType: string) => ({
    agentType,
    context: { repository: 'https://a', branch: 'main' },
    options: {},
  });

  test('[F-5] lets nothing pass on a connection without a grant', async () => {
    await expect(ask('agent.status', {})).rejects.toMatchObject({ code: 'grant_denied' });
  });

  test('[F-9] decides by the grant that the spoke keeps, and names its version', async () => {
    await grants.set(con, grant, { actor: admin });
    expect((await ask('agent.spawn', spawn('worker'))).grantVersion).toBe(1);
    await expect(ask('agent.spawn', spawn('tester'))).rejects.toMatchObject({
      code: 'grant_denied',
      field: 'agentTypes',
    });
    await expect(ask('agents.kill', {})).rejects.toMatchObject({ code: 'grant_denied', field: 'operations' });
  });

  test('a narrower grant holds from the next command on', async () => {
    await grants.set(con, grant, { actor: admin });
    await ask('agent.spawn', spawn('worker'));
    await grants.set(con, { operations: ['agent.status'] }, { actor: admin });
    await expect(ask('agent.spawn', spawn('worker'))).rejects.toMatchObject({ code: 'grant_denied' });
  });
});
