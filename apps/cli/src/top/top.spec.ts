// `writ top`: what a frame shows, and the real command in a real terminal.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inTerminal } from '../../../../test/support/terminal.js';
import { TinyHome } from '../../../../test/support/tiny-home.js';
import { until } from '../../../../test/support/until.js';

let home: TinyHome;
beforeAll(async () => {
  home = await TinyHome.open();
});
afterAll(() => home.close());

const run = (...args: string[]) => home.run(...args);
const spawned = async (task: string) => (await home.spawned('--task', task)).agentId;

describe('writ top', () => {
  test('shows what lives, once where there is no terminal; as JSON whole', async () => {
    const agentId = await spawned('mend-the-sum');
    const { out, code } = await run('top');
    expect(code).toBe(0);
    expect(out).toMatch(/^spoke tiny · \d\d:\d\d:\d\d UTC\n1 live /);
    expect(out).toMatch(
      new RegExp(`^${agentId.slice(0, 8)} +here +worker +running +\\d+s +0 +0\\.0000 +mend-the-sum$`, 'm'),
    );
    const shown = JSON.parse((await run('top', '-o', 'json')).out) as object;
    expect(shown).toMatchObject({ name: 'tiny', role: 'spoke', agents: [{ agentId }], counts: { running: 1 } });
    expect(await run('top', '--every', '0')).toMatchObject({ code: 2, err: expect.stringContaining('1 to 3600') });
    await run('kill', agentId, '--reason', 'done');
  }, 120_000);

  inTerminal(
    'is live in a terminal, follows what happens, and gives the terminal back',
    async () => {
      const { seen, type, ended } = home.type('top');
      await until('the first picture', () => seen().includes('0 live'));
      const agentId = await spawned('seen-live');
      await until('the agent', () => seen().includes(agentId.slice(0, 8)) && seen().includes('seen-live'));
      type('q');
      expect(await ended).toBe(0);
      expect([seen().startsWith('\x1b[?1049h'), seen().trimEnd().endsWith('\x1b[?1049l')]).toEqual([true, true]);
      await run('kill', agentId, '--reason', 'done');
    },
    120_000,
  );
});
