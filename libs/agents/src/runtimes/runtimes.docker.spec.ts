// Runtimes in a container: programs with a way out, to a model or to a host (the forwarder inside, the socket of their agent mounted),
// and an agent of the Agent Client Protocol from its first turn to its kill.
import Docker from 'dockerode';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { AgentResource } from '#protocol';
import { parseScript } from '../../../../apps/understudy/src/script.js';
import { Understudy } from '../../../../apps/understudy/src/server.js';
import { acpAgent, acpAgentMounts, doing } from '../../../../test/support/acp-agent.js';
import { admin, cleaned, eventually, Room } from '../../../../test/support/agents.js';
import { openEngine } from '../../../../test/support/docker.js';
import { key, programResolver } from '../../../../test/support/model-program.js';
import { Outside, tries } from '../../../../test/support/outside.js';
import { requirement } from '../../../../test/support/require.js';
import type { LocalAgents } from '../local.js';
import { ConfiguredResolver } from '../profiles/configured.resolver.js';
import { profileOptions, runtimeOptions } from '../profiles/options.js';
import type { Resolved } from '../profiles/resolver.js';
import { openSandboxes } from '../sandbox/open.js';

const { engine, missing } = await openEngine();
const stateDir = mkdtempSync(join(tmpdir(), 'writ-model-'));
afterAll(async () => {
  rmSync(stateDir, { recursive: true });
  await engine?.close();
});
requirement('a container engine', engine !== undefined, missing)('containers work on this machine', () => undefined);

(engine ? describe : describe.skip)('a program with a model, in a container', () => {
  let room: Room;
  let understudy: Understudy;
  beforeEach(async () => {
    room = await Room.make();
    const turns = [{ text: 'A word from the model.', usage: { input: 200, output: 50 } }];
    understudy = new Understudy(parseScript({ conversations: [{ name: 'only', turns, repeatLast: true }] }));
  });
  afterEach(async () => {
    await room.close();
    await understudy.close();
  });

  test('[S-9] [S-11] it talks to the model as elsewhere, under limits, and the key is nowhere inside', async () => {
    const { image = '', socketPath = '' } = engine ?? {};
    const { all } = await openSandboxes({ stateDir, docker: { image, socketPath, callMs: 20_000 } });
    const resolver = programResolver(await understudy.listen());
    const agents = await room.open({ resolver, sandboxes: () => all.filter(({ level }) => level === 'docker') });
    const code = `
      say(process.env);
      const stream = client.messages.stream(base).on('text', (text) => process.stdout.write(text));
      say(' = ' + (await stream.finalMessage()).usage.output_tokens);
      const counted = await client.messages.countTokens({ model: 'm-1', messages: base.messages });
      say('counted ' + (counted.input_tokens > 0));
      say(await failure(ask({ model: 'm-1', mcp_servers: [] })));
    `;
    const { args, ...request } = room.request(code);
    const { agentId } = await agents.spawn({ ...request, args: { ...args, options: { runtime: 'program' } } });
    const agent = await cleaned(agents, agentId);
    const said = (await agents.output(agentId, 0, 20_000)).text;
    expect(said).toContain('A word from the model. = 50\ncounted true\n');
    expect(said).toContain('"status":400');
    expect(agent).toMatchObject({ state: 'completed', sandbox: { level: 'docker' }, usage: { turns: 1 } });
    expect(agent.sandbox?.enforced).toEqual(expect.arrayContaining(['memoryBytesMax', 'pidsMax']));
    expect(`${said}${JSON.stringify([await room.events(), room.log.lines])}`).not.toContain(key);
  });

  test('it reaches the host that it asked for and no other', async () => {
    const { image = '', socketPath = '' } = engine ?? {};
    const { all } = await openSandboxes({ stateDir, docker: { image, socketPath, callMs: 20_000 } });
    const outside = await Outside.open();
    const [host, other] = [`tools.test:${outside.port}`, `other.test:${outside.port}`];
    const agents = await room.open({
      options: { egress: [host, other] },
      spending: { dial: outside.dial },
      sandboxes: () => all.filter(({ level }) => level === 'docker'),
    });
    const { args, ...request } = room.request(tries(host, other));
    const { agentId } = await agents.spawn({ ...request, args: { ...args, options: { egress: [host] } } });
    expect(await cleaned(agents, agentId)).toMatchObject({ sandbox: { level: 'docker' } });
    const lines = (await agents.output(agentId, 0, 20_000)).text.split('\n');
    expect(lines).toEqual([`${host} 200 hello from outside`, expect.stringContaining(`${other} 403 `), '']);
    outside.close();
  });
});

class WithAgent extends ConfiguredResolver {
  override async resolve(...args: Parameters<ConfiguredResolver['resolve']>): Promise<Resolved> {
    const resolved = await super.resolve(...args);
    return { ...resolved, mounts: [...resolved.mounts, ...acpAgentMounts] };
  }
}

(engine ? describe : describe.skip)('an agent of the runtime acp, in a container', () => {
  let room: Room;
  beforeEach(async () => {
    room = await Room.make();
  });
  afterEach(() => room.close());

  /** One life of the spoke. */
  const open = async (): Promise<LocalAgents> => {
    const { image = '', socketPath = '' } = engine ?? {};
    const docker = { image, socketPath, callMs: 20_000 };
    const { all } = await openSandboxes({ stateDir: join(room.folder, 'sandboxes'), spokeId: room.folder, docker });
    const runtimes = runtimeOptions.parse({
      helper: { kind: 'acp', argv: acpAgent('--takes', 'load') },
      claude: { kind: 'claude' },
    });
    const settings = { profiles: profileOptions.parse({ worker: { runtime: 'helper' } }), runtimes, skills: {} };
    return room.open({
      resolver: new WithAgent(settings, () => ''),
      sandboxes: () => all,
      options: { graceMs: 5_000 },
    });
  };

  const containers = async () => new Docker({ socketPath: engine?.socketPath }).listContainers({ all: true });
  /** What the engine is removing still stands in its list for a moment. */
  const nothingLeft = () => eventually(containers, (all) => all.length === 0, 60_000);
  const afterTurn = (agents: LocalAgents, agentId: string, turn: number): Promise<AgentResource> =>
    eventually(
      () => agents.get(agentId),
      ({ turns, state }) => turns?.last?.turn === turn || state === 'failed',
      60_000,
    );
  const heard = (agents: LocalAgents, agentId: string, text: string) =>
    eventually(
      async () => (await agents.output(agentId, 0, 200_000)).text,
      (all) => all.includes(text),
      60_000,
    );
  const send = (agents: LocalAgents, agentId: string, ...steps: string[]) =>
    agents.send({ agentId, actor: admin, turnId: randomUUID(), input: doing(...steps) });

  test('[S-5] [K-8] it asks a person, is warm for its next turn, goes on after a restart, and a kill leaves nothing', async () => {
    const first = await open();
    const { args, ...request } = room.request(
      doing('sh id -u; echo kept > kept.txt', 'ask fetch https://example.org', 'env HOME', 'result First.'),
    );
    const options = { runtime: 'helper', session: 'mine', sandbox: 'docker' as const };
    const { agentId } = await first.spawn({ ...request, args: { ...args, options } });
    const [question] = await eventually(
      () => first.questions(),
      (all) => all.length === 1,
      60_000,
    );
    await first.answer(question!.questionId, { allow: true, reason: 'seen' }, admin);
    const one = await afterTurn(first, agentId, 1);
    expect(one.turns?.last).toMatchObject({ state: 'completed', result: { summary: 'First.' } });
    expect(one.sandbox).toMatchObject({ level: 'docker' });
    expect(one.sandbox?.enforced).toEqual(expect.arrayContaining(['memoryBytesMax', 'pidsMax', 'network']));
    await heard(first, agentId, 'answer: yes!\nHOME=/opt/writ/home\n');
    expect(await heard(first, agentId, '1000\n')).toContain('1000\n');
    const [warm, ...more] = (await containers()).map(({ Id }) => Id);
    expect(more).toEqual([]);

    await send(first, agentId, 'recall', 'result Second.');
    expect((await afterTurn(first, agentId, 2)).turns?.last?.result?.summary).toBe('Second.');
    await heard(first, agentId, 'remembers 1\n');
    expect((await containers()).map(({ Id }) => Id)).toEqual([warm]);
    await first.close();
    await nothingLeft();

    const agents = await open();
    await send(agents, agentId, 'recall', 'sh cat kept.txt', 'result Third.');
    expect((await afterTurn(agents, agentId, 3)).turns?.last).toMatchObject({ state: 'completed' });
    await heard(agents, agentId, 'remembers 2\nkept\n');
    await send(agents, agentId, 'say up', 'wait');
    await heard(agents, agentId, 'up\n');
    expect(await agents.kill(agentId, admin, 'enough')).toMatchObject({ killed: [agentId], survivors: 0, failed: [] });
    await heard(agents, agentId, 'CANCELLED');
    const { state, cleanup } = await cleaned(agents, agentId);
    expect({ state, cleanup }).toMatchObject({ state: 'killed', cleanup: { sandbox: { outcome: 'done' } } });
    await nothingLeft();
    expect(existsSync(join(room.folder, 'agents', 'sessions', `${agentId}.home`))).toBe(false);
  }, 120_000);
});
