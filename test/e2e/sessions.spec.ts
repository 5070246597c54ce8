// A session over the federation: the hub asks again, the spoke remembers, also over a crash.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentResource } from '#protocol';
import { Federation, refusal, type Player } from '../support/federation.js';
import { UnderstudyProcess } from '../support/understudy.js';
import { until } from '../support/until.js';

let stage: Federation;
let hub: Player;
let spoke: Player;

const answer = (summary: string) => {
  const items = [{ item: 0, status: 'done', note: '' }];
  return { calls: [{ tool: 'submit_result', input: { summary, items } }] };
};
const bash = (command: string) => ({ calls: [{ tool: 'bash', input: { command } }] });
const turns = [
  ...[bash('echo kept > kept.txt'), answer('first')],
  ...[bash('cat kept.txt'), answer('second')],
  ...[bash('cat kept.txt'), answer('third')],
];

beforeAll(async () => {
  stage = await Federation.open();
  const script = join(stage.folder, 'script.json');
  writeFileSync(script, JSON.stringify({ conversations: [{ name: 'session', turns }] }));
  const understudy = await UnderstudyProcess.start(script);
  stage.afterwards(() => understudy.stop());
  const claude = {
    kind: 'claude',
    baseUrl: understudy.url,
    defaultPrice: { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 },
  };
  const key = { ANTHROPIC_API_KEY: 'sk-nobody' };
  [hub, spoke] = await Promise.all([stage.hub(), stage.spoke('acme', { runtimes: { claude } }, key)]);
  await stage.pair(hub, spoke);
}, 120_000);
afterAll(() => stage.close(), 60_000);

function afterTurn(agentId: string, turn: number): Promise<AgentResource> {
  return until(
    `turn ${turn} has ended`,
    async () => {
      const agent = await hub.client.agents.get(agentId);
      return agent.turns?.last?.turn === turn ? agent : undefined;
    },
    60_000,
  );
}

describe('a session over the federation', () => {
  test('[S-5] is asked again by the hub, survives a crash of the spoke, and is closed only when nothing is at risk or by force', async () => {
    const options = { runtime: 'claude', session: 'story' };
    const { agentId } = await stage.spawn(hub, 'acme', 'Make a file.', { options });
    expect((await afterTurn(agentId, 1)).turns?.last?.result?.summary).toBe('first');
    const key = { idempotencyKey: 'the-second', waitS: 30 };
    const sent = await hub.client.agents.send(agentId, 'And then?', key);
    expect(sent).toMatchObject({ turn: { agentId, turn: 2 } });
    expect((await afterTurn(agentId, 2)).turns?.last?.result?.summary).toBe('second');
    expect(await hub.client.agents.send(agentId, 'And then?', key)).toEqual(sent);
    await spoke.restart('SIGKILL');
    await stage.connected(hub, spoke);
    expect(await hub.client.agents.get(agentId)).toMatchObject({ state: 'running', activity: 'idle' });
    await hub.client.agents.send(agentId, 'And at last?', { waitS: 30 });
    expect((await afterTurn(agentId, 3)).turns?.last?.result?.summary).toBe('third');
    const refused = await refusal(hub.client.agents.close(agentId, {}, 30));
    expect(refused.code).toBe('invalid_transition');
    expect(refused.detail).toContain('1 files that are not committed');
    const closed = await hub.client.agents.close(agentId, { force: true }, 30);
    expect(closed).toMatchObject({ agent: { state: 'completed', exitReason: 'closed' } });
    const ended = await stage.ended(hub, agentId);
    expect(ended.activity).toBeUndefined();
    expect((await hub.client.agents.diff(agentId)).text).toContain('+kept');
  }, 120_000);
});
