// The web console in a real Chromium, over a real hub and spoke: what people see, do and are refused. One browser and one pair of
// instances for all of it.
import { afterAll, beforeAll, expect } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { getChromium, hasChromium, openChromium, Person } from '../support/chromium.js';
import { Federation, type Player } from '../support/federation.js';
import { Crowd } from '../support/mock/crowd.js';
import { requirement } from '../support/require.js';
import { atTable, shownIn, wheelThrough } from '../support/table.js';
import { until } from '../support/until.js';

const story = requirement('chromium', hasChromium, getChromium);

let stage: Federation;
let hub: Player;
let spoke: Player;
let browser: Browser;
let admin: Person;

beforeAll(async () => {
  if (!hasChromium) return;
  stage = await Federation.open();
  [hub, spoke, browser] = await Promise.all([stage.hub(), stage.spoke('acme'), openChromium()]);
  admin = await Person.enter(browser, hub.instance.url, { viewport: { width: 1280, height: 800 } });
}, 120_000);
afterAll(async () => {
  if (!hasChromium) return;
  await browser.close();
  await stage.close();
}, 120_000);

story('the door lets in whoever has a key, says what to do to others, and the session outlasts a reload', async () => {
  const { page } = admin;
  await page.goto(hub.instance.url);
  await page.getByLabel('API key').fill('writ_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('Check that the whole key was pasted').waitFor();
  expect(await admin.barriers()).toEqual([]);
  await admin.signIn(hub.instance.key);
  await page.reload();
  await page.getByRole('status').getByText('live').waitFor();
  expect(await page.evaluate<string>('document.cookie')).toBe('');
  expect(await admin.barriers()).toEqual([]);
});

story('hub and spoke of one machine do not sign each other out, and show each its own', async () => {
  const page = await admin.context.newPage();
  await page.goto(spoke.instance.url);
  await page.getByLabel('API key').fill(spoke.instance.key);
  await page.keyboard.press('Enter');
  await page.getByText('acme', { exact: false }).first().waitFor();
  await admin.page.reload();
  await admin.page.getByRole('status').getByText('live').waitFor();
  await page.close();
});

story('a spoke is invited in the browser, its six words are compared there, and it stands in the picture', async () => {
  const { page } = admin;
  await page.getByRole('link', { name: 'Spokes' }).click();
  await page.getByRole('button', { name: 'Make an invite' }).click();
  const invite = await page.getByLabel('The invite', { exact: true }).innerText();
  await spoke.client.hubs.join({ invite, grant: stage.grant() });
  const words = (await spoke.client.instance()).words;
  const waiting = page.getByRole('region', { name: 'acme waits to be accepted' });
  await waiting.waitFor();
  expect(await waiting.getByRole('listitem').allInnerTexts()).toEqual(words);
  expect(await admin.barriers()).toEqual([]);
  await waiting.getByRole('button', { name: 'accept' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Accept' }).click();
  await stage.connected(hub, spoke);
  await page.getByRole('link', { name: 'Fleet' }).click();
  await page.getByText('connected', { exact: true }).waitFor();
});

/** Each part would do something if any of it were read as more than text. */
const hostile = `<img src=x onerror=alert(1)>'"><script>alert(2)</script>\u202e{{7*7}}`;
const script = `echo '${hostile.replaceAll("'", `'"'"'`)}'; for i in $(seq 500); do echo "line $i"; done
printf 'const x = "<svg onload=alert(3)>";\\n' > '<b>odd.js'; git add --all; git commit --quiet --message x; sleep 600`;

story(
  '[S-11] an agent is spawned from the form that its grant made, and what it says is seen as it says it',
  async () => {
    const { page } = admin;
    await admin.go('/spawn');
    await page.getByLabel('Spoke').selectOption('acme');
    await page.getByLabel('Task').fill('bad task!');
    await page.getByRole('textbox', { name: /^Work/ }).fill(Buffer.from(script).toString('base64'));
    expect(await page.getByLabel('Repository').inputValue()).toBe(stage.repository);
    expect(await page.getByLabel('Runtime').locator('option').allInnerTexts()).toEqual(['shell', 'claude']);
    await page.getByRole('button', { name: 'Spawn' }).click();
    await page.locator('.field.invalid').getByText('taskId').waitFor();
    await page.getByLabel('Task').fill('console-story');
    await page.getByRole('button', { name: 'Spawn' }).click();
    await page.getByRole('log').getByText('line 500').waitFor();
    expect(await page.locator('.output-line').count()).toBeLessThan(120);
    await page.getByLabel('Search the output').fill('onerror');
    await page.getByText('1 of 1').waitFor();
    await page.getByRole('log').getByText(hostile).waitFor();
    expect(await admin.barriers()).toEqual([]);
  },
  120_000,
);

story(
  'two browsers side by side: a viewer sees the kill of an admin as it happens, and has no button for it',
  async () => {
    const { page } = admin;
    const { key, id } = await hub.client.keys.create({ name: hostile.slice(0, 40), role: 'viewer' });
    const narrow = { viewport: { width: 390, height: 800 }, colorScheme: 'dark' } as const;
    const guest = await Person.enter(browser, hub.instance.url, narrow);
    await guest.signIn(key);
    await guest.go('/agents?task=console-story');
    await guest.page.getByRole('cell', { name: 'running' }).waitFor();
    expect(await guest.barriers()).toEqual([]);
    await guest.page.getByRole('link', { name: /console-story/ }).click();
    await guest.page.getByRole('log').getByText('line 500').waitFor();
    expect(await guest.page.getByRole('button', { name: 'Kill' }).count()).toBe(0);
    await admin.picture('agent');
    await page.getByRole('button', { name: 'Kill' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill(hostile);
    await page.getByRole('dialog').getByRole('button', { name: 'Kill' }).click();
    await guest.page.locator('.page-head').getByText('killed', { exact: true }).waitFor();
    await guest.page.getByText(hostile).first().waitFor();
    await page.getByRole('tab', { name: 'receipts' }).click();
    await page.getByText('agent.kill').waitFor();
    for (const tab of ['timeline', 'work', 'diff']) {
      await page.getByRole('tab', { name: tab }).click();
      await page.locator(`#tab-${tab}[aria-selected=true]`).waitFor();
    }
    expect(await admin.barriers()).toEqual([]);
    expect(await guest.page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    await hub.client.keys.revoke(id);
    await guest.page.reload();
    await guest.page.getByRole('alert').getByText('The session has ended').waitFor();
    expect([guest.complaints, [...guest.hosts]]).toEqual([[], [...admin.hosts]]);
    await guest.context.close();
  },
  120_000,
);

story(
  'filters are in the address, and every page of the navigation stands without barriers',
  async () => {
    const { page } = admin;
    await admin.go('/agents?state=killed&type=worker');
    await page.getByRole('cell', { name: 'killed' }).waitFor();
    await page.getByRole('button', { name: 'running' }).click();
    expect(new URL(page.url()).searchParams.get('state')).toBe('killed,running');
    for (const path of ['/', '/instance', '/spokes/acme', '/spawn', '/charts', '/audit', '/nowhere']) {
      await admin.go(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await admin.picture(`page${path.replaceAll('/', '-')}`);
      expect([path, ...(await admin.barriers())]).toEqual([path]);
    }
    await admin.go('/audit');
    await page.getByLabel('Search the log').fill('console-story');
    await page.locator('.audit-row').filter({ hasText: 'agent.spawn' }).first().click();
    await page.locator('pre').getByText('"agent.spawn"').waitFor();
    await admin.go('/charts');
    await page.getByRole('img', { name: /Answer of a spoke: [1-9]/ }).waitFor();
  },
  120_000,
);

story(
  'whoever looks at a label sees an agent that appears on such a spoke, and none of the others',
  async () => {
    const { page } = admin;
    await hub.client.spokes.label('acme', { labels: { region: 'eu' } });
    await admin.go('/agents?label=region%3Deu&task=labelled');
    await page.getByRole('heading', { name: 'No agents here' }).waitFor();
    await stage.spawn(hub, 'acme', 'true', { taskId: 'labelled' });
    await page.getByRole('cell', { name: /^labelled/ }).waitFor();
    await admin.go('/agents?label=region%3Dasia');
    await page.getByRole('heading', { name: 'No agents here' }).waitFor();
  },
  120_000,
);

story(
  'a table of 500 agents is gone through to its last row while events come, and each row shows what was last told of it',
  async () => {
    const { page } = admin;
    const crowd = await Crowd.join(hub.client, 'crowd');
    stage.afterwards(() => crowd.close());
    await crowd.appear(500, 'rename-fields');
    await until('they run', async () => (await hub.client.agents.counts()).total.running === 500);
    await atTable(page, `${hub.instance.url}/console/agents?spoke=crowd`);
    const enough = new AbortController();
    const stirring = crowd.stir(50, enough.signal);
    await wheelThrough(page);
    await until('events have come', () => crowd.told > 1_250, 30_000);
    enough.abort();
    await stirring;
    const alive = crowd.agents.filter(({ isOver }) => !isOver).length;
    const told = new Map(crowd.agents.map(({ agentId, turns }) => [agentId, turns]));
    expect(told.size).toBeGreaterThan(alive);
    const isShown = async () => {
      const shown = await shownIn(page);
      return shown.size === told.size && [...told].every(([agentId, turns]) => shown.get(agentId) === turns);
    };
    await until('every row shows it', isShown, 30_000);
    await page.evaluate(`document.querySelector('.agents .rows').scrollTop = 0`);
    await page.getByRole('cell', { name: 'spawning' }).first().waitFor();
    await admin.pictures('agents');
    await page.locator('.agents .rows a').last().click();
    await page.getByRole('tab', { name: 'timeline' }).waitFor();
    await admin.go('/');
    await page.getByRole('listitem').filter({ hasText: 'crowd' }).getByText(`${alive} alive`).waitFor();
  },
  120_000,
);

story(
  '[O-2] a cut connection is said, and goes on by itself without a gap',
  async () => {
    await hub.away('SIGTERM');
    await admin.page.getByRole('status').getByText('reconnecting').waitFor();
    await hub.back();
    await admin.page.getByRole('status').getByText('live').waitFor({ timeout: 30_000 });
  },
  120_000,
);

story('the page asks no other host, its policy forbade nothing, and what it needs at first is small', async () => {
  expect([...admin.hosts]).toEqual([new URL(hub.instance.url).host]);
  expect(admin.complaints).toEqual([]);
  const { text } = await hub.call('GET', '/console/');
  const base = /\/console\/a\/[\w-]+\//.exec(text)![0];
  const paths = [...new Set(text.match(/\/console\/a\/[\w-]+\/[\w./-]+/g))];
  expect(paths.length).toBeGreaterThan(10);
  expect((await hub.call('GET', `${base}app/%2e%2e%2f%2e%2e%2fpackage.json`)).status).toBe(404);
  const sizes = paths.map(async (path) => {
    const { headers } = await hub.call('GET', path, undefined, { 'accept-encoding': 'br' });
    expect(headers['cache-control']).toContain('immutable');
    return Number(headers['content-length']);
  });
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  expect(bytes).toBeLessThan(150 * 1024);
});
