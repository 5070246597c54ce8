// The quick starts of docs/, typed line by line by two people with homes of their own; and the looks that no page asks for.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentResource, InstanceResource, SigningKeys } from '#protocol';
import type { Browser } from 'playwright-core';
import { getChromium, hasChromium, openChromium, Person } from '../support/chromium.js';
import { root } from '../support/instance.js';
import { descendants, stillAlive } from '../support/processes.js';
import { quickstart, Typist, type Known } from '../support/quickstart.js';
import { requirement } from '../support/require.js';
import { until } from '../support/until.js';
import { writ, type Ran } from '../support/writ.js';

const folder = mkdtempSync(join(tmpdir(), 'writ-quick-'));
const known: Known = new Map();
const hub = new Typist(folder, 'hub', known);
const spoke = new Typist(folder, 'spoke', known);
const pages = new Map(['hub', 'spoke', 'client'].map((name) => [name, quickstart(`docs/quickstart-${name}.md`)]));
const walked = new Set<string>();
const browsing = requirement('chromium', hasChromium, getChromium);
/** The agent that was spawned there. */
let inBrowser: string | undefined;

// What nobody can walk here has been skipped with its reason.
if (!hasChromium) walked.add('hub: Spawn in the browser');
beforeAll(() => void known.set('SPOKE', 'berlin').set('REPOSITORY', `file://${spoke.home}/shop`));
afterAll(async () => {
  await Promise.all([hub.leave(), spoke.leave()]);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}, 120_000);

const blocks = (page: string, section: string) => {
  walked.add(`${page}: ${section}`);
  return pages.get(page)?.get(section) ?? [];
};

/** All blocks of a section, or those from `from` to before `to`. */
async function walk(page: string, section: string, from = 0, to?: number): Promise<void> {
  const wanted = blocks(page, section).slice(from, to);
  expect(wanted.length).toBeGreaterThan(0);
  for (const block of wanted) expect(await (block.place === 'hub' ? hub : spoke).types(block)).toBeNull();
}

const at = (who: Typist, args: readonly string[], env: Record<string, string> = {}): Promise<Ran> =>
  writ(args, { cwd: who.home, env: { HOME: who.home, ...env } });

async function asks<T>(who: Typist, ...args: string[]): Promise<T> {
  const { code, out, err } = await at(who, [...args, '-o', 'json']);
  if (code !== 0) throw new Error(`writ ${args.join(' ')} ended with ${code}: ${err}`);
  return JSON.parse(out) as T;
}

async function wordsOf(who: Typist): Promise<string> {
  return (await asks<{ instance: InstanceResource }>(who, 'status')).instance.words.join(' ');
}

const rootOf = async (who: Typist) => (await asks<SigningKeys>(who, 'keys', 'show')).id;
/** As the page says it, by the words that stand in the browser. */
async function spawnedBy(browser: Browser): Promise<Person> {
  const person = await Person.enter(browser, hub.url() ?? '');
  const { page } = person;
  await person.signIn(known.get('KEY') ?? '');
  await page.getByRole('link', { name: 'Spawn' }).click();
  await page.getByLabel('Spoke').selectOption('berlin');
  await page.getByLabel('Runtime').selectOption('patient');
  await page.getByLabel('Task').fill('browser');
  await page.getByRole('textbox', { name: /^Work/ }).fill('Wait.');
  await page.getByRole('button', { name: 'Spawn' }).click();
  await page.getByRole('log').getByText('waiting').waitFor();
  return person;
}

const sleeping = () => descendants(spoke.pid() ?? -1).filter(({ command }) => command === 'sleep 3600');

describe('from nothing to two who know each other', () => {
  test('a hub starts; a second on its folder is told so', async () => {
    await walk('hub', 'Start');
    known.set('URL', hub.url() ?? '').set('HUB_WORDS', await wordsOf(hub));
    const again = await at(hub, ['hub']);
    expect(again).toMatchObject({ code: 2 });
    expect(again.err).toMatch(/runs on .* already: http:\/\/127\.0\.0\.1:\d+, process \d+/);
  }, 120_000);

  test('an invite is one line; whoever does not say yes is shown the hub’s words and joins nothing', async () => {
    await walk('hub', 'Invite');
    await walk('spoke', 'Say what may run');
    const env = { WRIT_CONFIG: join(spoke.home, 'spoke.json'), WRIT_PORT: '0' };
    const unasked = await at(spoke, ['join', known.get('INVITE') ?? '', '--allow', 'worker', '--repo', 'x'], env);
    expect(unasked).toMatchObject({ code: 2, out: '' });
    expect(unasked.err).toContain('add --yes');
    expect(unasked.err).toContain(`six words           ${known.get('HUB_WORDS')}`);
    expect(await asks(spoke, 'hubs')).toEqual([]);
  }, 120_000);

  test('a partner says what may run, and joins', async () => {
    known.set('SPOKE_WORDS', await wordsOf(spoke)).set('SPOKE_ROOT', await rootOf(spoke));
    known.set('HUB_ROOT', await rootOf(hub));
    await walk('spoke', 'Join');
  }, 120_000);

  test('the operator compares words and accepts', () => walk('hub', 'Accept'), 30_000);
});

describe('working together', () => {
  test('an agent is spawned, looked at and its work read', () => walk('hub', 'Spawn'), 60_000);

  browsing(
    'an agent is spawned in the browser, watched from the terminal, cancelled over A2A, and its diff read over MCP',
    async () => {
      const section = 'Spawn in the browser';
      await walk('hub', section, 0, 1);
      const browser = await openChromium();
      try {
        const { page } = await spawnedBy(browser);
        known.set('ID', new URL(page.url()).pathname.split('/').at(-1) ?? '');
        await walk('hub', section, 1, 2);
        await page.locator('.page-head').getByText('killed', { exact: true }).waitFor();
        await until(
          'it is cleaned up',
          async () => (await asks<AgentResource>(hub, 'status', known.get('ID')!)).cleanup,
        );
        await walk('hub', section, 2);
        inBrowser = known.get('ID');
      } finally {
        await browser.close();
      }
    },
    90_000,
  );

  test('a kill is done when nothing of the agent lives', async () => {
    await walk('hub', 'Stop', 0, 1);
    const seen = await until('its two processes run', () => (sleeping().length >= 2 ? sleeping() : undefined), 20_000);
    await walk('hub', 'Stop', 1);
    expect([stillAlive(seen), sleeping()]).toEqual([[], []]);
  }, 120_000);

  test('the record is verified by nothing but itself and two roots, the agent of the browser in it', async () => {
    await walk('hub', 'Prove it');
    if (inBrowser === undefined) return;
    const said = readFileSync(join(hub.home, 'record.jsonl'), 'utf8').match(/[\w-]{40,}/g) ?? [];
    const told = said.map((part) => Buffer.from(part, 'base64url').toString());
    for (const op of ['agent.spawn', 'agent.kill'])
      expect([op, told.some((text) => text.includes(op) && text.includes(inBrowser!))]).toEqual([op, true]);
  }, 120_000);

  test('programs of others do the same over the client and MCP', async () => {
    await walk('client', 'A key');
    await walk('client', 'Examples');
    expect(sleeping()).toEqual([]);
  }, 120_000);

  test('the partner sees what was ordered, narrows it and stops it', async () => {
    await walk('spoke', 'See');
    await walk('spoke', 'Your machine, your rules');
    const job = ['spawn', '--spoke', 'berlin', '--repo', known.get('REPOSITORY') ?? '', '--item', 'x', '-o', 'json'];
    const refused = await at(hub, [...job, '--runtime', 'hello']);
    expect(refused.code).toBe(3);
    expect(JSON.parse(refused.err)).toMatchObject({ code: 'grant_denied', status: 403 });
  }, 120_000);

  test('a connection that is closed is over for both', async () => {
    expect(await at(hub, ['unpair', 'berlin'])).toMatchObject({ code: 2 });
    expect((await at(hub, ['unpair', 'berlin', '--yes'])).out).toContain('state\tclosed');
    await until('the spoke knows', async () => (await at(spoke, ['hubs'])).out.startsWith('hub\tclosed'));
  }, 120_000);
});

describe('the pages', () => {
  test('were walked to the last block', () => {
    const all = [...pages].flatMap(([page, sections]) => [...sections.keys()].map((section) => `${page}: ${section}`));
    expect(all.filter((one) => !walked.has(one))).toEqual([]);
  });

  test('name every example, and show of them what stands there', () => {
    const page = readFileSync(join(root, 'docs/quickstart-client.md'), 'utf8');
    const examples = readdirSync(join(root, 'examples'));
    const sources = examples.map((name) => readFileSync(join(root, 'examples', name), 'utf8')).join('\n');
    expect(examples.filter((name) => !page.includes(`node examples/${name}`))).toEqual([]);
    const shown = [...page.matchAll(/```ts\n([^]*?)```/g)].map(([, block = '']) => block.trim());
    expect([shown.length > 0, shown.filter((block) => !sources.includes(block))]).toEqual([true, []]);
  });
});
