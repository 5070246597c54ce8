// Agents in real sandboxes and the hosts that they may, and may not, reach.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { works } from '../../../../test/support/agent-machine.js';
import { cleaned, eventually, peer, Room } from '../../../../test/support/agents.js';
import { Outside, tries } from '../../../../test/support/outside.js';
import { requirement } from '../../../../test/support/require.js';
import type { LocalAgents } from '../local.js';

const levels = [
  ['namespace', requirement('bubblewrap', works('namespace'), 'apt-get install bubblewrap')],
  ['unshare', requirement('unshare', works('unshare'), 'apt-get install util-linux iproute2')],
] as const;

describe('hosts that an agent may reach', () => {
  let room: Room;
  let outside: Outside;
  let agents: LocalAgents;
  let granted: string[];
  beforeEach(async () => {
    room = await Room.make();
    outside = await Outside.open();
    granted = [];
  });
  afterEach(async () => {
    await room.close();
    outside.close();
  });

  const open = async (level?: string) => {
    const hosts = [`*.test:${outside.port}`, `*.test:${outside.tlsPort}`, `10.9.8.7:${outside.port}`];
    agents = await room.open({
      options: { egress: hosts },
      spending: { dial: outside.dial, allowance: (owner) => (owner === 'local' ? undefined : { egress: granted }) },
      sandboxes: (all) => all.filter((one) => level === undefined || one.level === level),
    });
  };
  const spawn = (script: string, egress?: string[], owner = 'local') => {
    const request = room.request(script, { owner, ...(owner === 'local' ? {} : { actor: peer }) });
    return agents.spawn({ ...request, args: { ...request.args, options: egress ? { egress } : {} } });
  };
  const said = async (agentId: string) => (await agents.output(agentId, 0, 20_000)).text;
  const play = async (...wish: Parameters<typeof spawn>) => {
    const { agentId } = await cleaned(agents, (await spawn(...wish)).agentId);
    return said(agentId);
  };

  for (const [level, needed] of levels)
    needed(`are those that it asked for and nothing else, in the sandbox ${level}`, async () => {
      await open(level);
      const { port, tlsPort } = outside;
      const [tools, inner, literal] = [`tools.test:${port}`, `inner.test:${port}`, `10.9.8.7:${port}`];
      const others = [`other.test:${port}`, 'tools.test:443', '[::1]:443', `127.0.0.1:${port}`];
      const https = `NODE_TLS_REJECT_UNAUTHORIZED=0 node -e 'fetch("https://tools.test:${tlsPort}").then(async (answer) => console.log("https", await answer.text()))'`;
      const straight = `node -e 'require("net").connect(${port}, "127.0.0.1").on("error", ({ code }) => console.log("straight", code))'`;
      const script = `${tries(tools, inner, literal, ...others)}; ${https} 2>/dev/null; ${straight}`;
      const lines = (await play(script, [tools, inner, literal, `tools.test:${tlsPort}`])).split('\n');
      expect(lines[0]).toBe(`${tools} 200 hello from outside`);
      expect(lines[1]).toMatch(/^inner\.test:\d+ 403 .* resolves to no allowed address/);
      expect(lines[2]).toMatch(/^10\.9\.8\.7:\d+ 403 .* is not an allowed address/);
      for (const line of lines.slice(3, 7)) expect(line).toMatch(/ 403 .* not among the hosts/);
      expect(lines.slice(7)).toEqual(['https hello from outside', 'straight ECONNREFUSED', '']);
      expect(await readdir(join(room.folder, 'agents', 'egress'))).toEqual([]);
    });

  test('are none for an agent that asked for none', async () => {
    await open();
    const host = `tools.test:${outside.port}`;
    expect(await play(`echo "proxy=$HTTPS_PROXY"; ${tries(host)}`)).toBe(`proxy=\n${host} ECONNREFUSED ECONNREFUSED\n`);
  });

  test('that the spoke does not name are refused before anything changes', async () => {
    await open();
    const refused = { code: 'invalid_request', field: 'args.options.egress' };
    await expect(spawn('true', ['example.org'])).rejects.toMatchObject(refused);
    await expect(spawn('true', ['*.test'])).rejects.toMatchObject(refused);
    expect((await agents.list({})).agents).toEqual([]);
  });

  test('of a hub are those of its grant as it stands at that moment; a kill cuts what is open', async () => {
    await open();
    const host = `tools.test:${outside.port}`;
    granted = [host];
    const script = `${tries(host)}; until [ -e /tmp/go ]; do ${tries(host)}; sleep 0.1; done`;
    const { agentId } = await spawn(script, [host], 'hub');
    const until = (text: string) =>
      eventually(
        () => said(agentId),
        (seen) => seen.includes(text),
      );
    await until('200 hello');
    granted = [];
    await until('403');
    await agents.kill(agentId, peer, 'enough');
    await cleaned(agents, agentId);
    expect(await readdir(join(room.folder, 'agents', 'egress'))).toEqual([]);
  });
});
