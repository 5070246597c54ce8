import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WritError } from '#protocol';
import { admin, cleaned, eventually, peer, Room } from '../../../../test/support/agents.js';
import type { LocalAgents } from '../local.js';

const ceiling = (approvalMs: number) => ({ limits: {}, sandbox: 'none' as const, concurrentMax: 5, approvalMs });
const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: unknown) => (error instanceof WritError ? error.code : String(error)),
  );

describe('a spawn that a person has to approve', () => {
  let room: Room;
  let agents: LocalAgents;
  beforeEach(async () => {
    room = await Room.make();
    agents = await room.open();
  });
  afterEach(() => room.close());

  const spawned = async (approvalMs = 60_000) =>
    (await agents.spawn(room.request('echo ran; echo ran > made.txt', { actor: peer, ceiling: ceiling(approvalMs) })))
      .agentId;
  const asked = async () => {
    const [question] = await eventually(
      () => agents.questions(),
      (all) => all.length === 1,
    );
    return question!;
  };
  const typesOf = async (agentId: string) =>
    (await room.events()).filter(({ subject }) => subject === agentId).map(({ type }) => type);

  test('waits with its question, and begins only after the yes of a person, who is named', async () => {
    const agentId = await spawned();
    expect(await agents.get(agentId)).toMatchObject({ state: 'spawning', phase: 'approval' });
    const question = await asked();
    expect(question).toMatchObject({
      agentId,
      kind: 'spawn',
      taskId: 'task-1',
      detail: expect.stringContaining('echo ran'),
    });
    expect(await typesOf(agentId)).toEqual(['agent.spawned', 'agent.question']);
    await agents.answer(question.questionId, { allow: true, reason: 'seen' }, admin);
    const agent = await cleaned(agents, agentId);
    expect(agent).toMatchObject({ state: 'completed', answer: { option: 'approve', actor: admin, reason: 'seen' } });
    expect(agent.question).toBeUndefined();
    expect((await typesOf(agentId)).slice(0, 4)).toEqual([
      'agent.spawned',
      'agent.question',
      'agent.answer',
      'agent.running',
    ]);
  });

  test('a no ends it as failed with the reason; nothing ran, and its place is free', async () => {
    const agentId = await spawned();
    await agents.answer((await asked()).questionId, { allow: false, reason: 'not on a Friday' }, admin);
    const agent = await cleaned(agents, agentId);
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'approval_denied', actor: admin });
    expect(agent.reason).toContain('not on a Friday');
    expect(agent.startedAt).toBeUndefined();
    expect(await typesOf(agentId)).not.toContain('agent.running');
    expect(await agents.live()).toBe(0);
  });

  test('nobody answers in time: failed with approval_expired, and nobody can answer any more', async () => {
    const agentId = await spawned(300);
    const { questionId } = await asked();
    expect(await cleaned(agents, agentId)).toMatchObject({
      state: 'failed',
      exitReason: 'approval_expired',
      answer: { option: 'expired', allows: false },
    });
    expect(await refusal(agents.answer(questionId, { allow: true }, admin))).toBe('not_found');
  });

  test('of many answers at once exactly one counts; an unknown option changes nothing', async () => {
    const agentId = await spawned();
    const { questionId } = await asked();
    expect(await refusal(agents.answer(questionId, { option: 'perhaps' }, admin))).toBe('invalid_request');
    const answers = Array.from({ length: 8 }, (_, n) =>
      refusal(agents.answer(questionId, { allow: n % 2 === 0 }, { kind: 'key', id: `person-${n}` })),
    );
    expect((await Promise.all(answers)).filter((said) => said === 'accepted')).toHaveLength(1);
    await cleaned(agents, agentId);
    expect((await typesOf(agentId)).filter((type) => type === 'agent.answer')).toHaveLength(1);
  });

  test('[K-15] a kill while it waits ends it at once', async () => {
    const agentId = await spawned();
    await asked();
    expect(await agents.kill(agentId, admin, 'enough')).toMatchObject({ killed: [agentId], survivors: 0 });
    expect(await agents.questions()).toEqual([]);
  });

  test('[S-5] the question outlasts the process: the next one waits on, and an answer given meanwhile counts', async () => {
    const agentId = await spawned();
    const { questionId } = await asked();
    const other = await room.open({ options: { leaseMs: 60_000 } });
    await other.answer(questionId, { allow: true }, admin);
    expect(await cleaned(agents, agentId)).toMatchObject({ state: 'completed', answer: { questionId } });
  });
});
