// `--watch` in a real terminal; what it prints where there is none stands in cli.spec.
import { afterAll, beforeAll, expect } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inTerminal, writInTerminal } from '../../../test/support/terminal.js';
import { startTinyApi, type TinyApi } from '../../../test/support/tiny-api.js';
import { until } from '../../../test/support/until.js';
import { writ } from '../../../test/support/writ.js';

const enter = '\x1b[?1049h';
const leave = '\x1b[?1049l';
let api: TinyApi;
let home: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'writ-home-'));
  api = await startTinyApi({ stateDir: join(home, '.writ', 'spoke') });
});
afterAll(async () => {
  await api.close();
  rmSync(home, { recursive: true, force: true });
});

inTerminal('a watched list is drawn anew in its place, cut to the screen, and the terminal is given back', async () => {
  const rows = 8;
  const { seen, type, ended } = writInTerminal('ps --watch 0.5', { HOME: home }, { columns: 120, rows });
  await until('the first look', () => seen().includes('No live agents'));
  for (let n = 0; n < rows; n += 1)
    await writ(['spawn', '--repo', 'https://example.org/a.git', '--item', 'x'], { env: { HOME: home } });
  const ids = [...api.gateway.entries.keys()].map((id) => id.slice(0, 8));
  await until('the newest', () => seen().includes(ids.at(-1) ?? ''));
  type('q');
  expect(await ended).toBe(0);
  expect([seen().startsWith(enter), seen().trimEnd().endsWith(leave)]).toEqual([true, true]);
  const last = seen().split('\x1b[H').at(-1) ?? '';
  expect(last.split('\r\n').length).toBeLessThanOrEqual(rows);
  expect(last).toContain(ids.at(-1));
});

inTerminal('what no second look can mend is told once, and the terminal is left as it was', async () => {
  const { seen, ended } = writInTerminal('status 0b1c2d3e --watch', { HOME: home });
  expect(await ended).toBe(4);
  expect(seen()).not.toContain(enter);
  expect(seen()).toContain('writ: ');
});
