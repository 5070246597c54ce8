// Programs in a container with a way out, to a model or to a host: the forwarder inside, the socket of their agent mounted.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseScript } from '../../../../apps/understudy/src/script.js';
import { Understudy } from '../../../../apps/understudy/src/server.js';
import { cleaned, Room } from '../../../../test/support/agents.js';
import { openEngine } from '../../../../test/support/docker.js';
import { key, programResolver } from '../../../../test/support/model-program.js';
import { Outside, tries } from '../../../../test/support/outside.js';
import { requirement } from '../../../../test/support/require.js';
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
