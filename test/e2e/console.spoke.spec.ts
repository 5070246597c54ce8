// The spoke's pages of the console in a real Chromium: hubs and grants, questions, usage, the machine, the big stop and the audit log.
// One browser, one hub and one spoke for all of it; what others write is hostile throughout.
import { afterAll, beforeAll, expect } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { getChromium, hasChromium, openChromium, Person } from '../support/chromium.js';
import { Federation, type Player } from '../support/federation.js';
import { requirement } from '../support/require.js';
import { until } from '../support/until.js';

const story = requirement('chromium', hasChromium, getChromium);
const hostile = `</pre><img src=x onerror="alert(1)"><script>alert(2)</script>{{7*7}}\u202E"'`;

let stage: Federation;
let hub: Player;
let spoke: Player;
let browser: Browser;
let admin: Person;
let viewer: Person;
let page: Page;

beforeAll(async () => {
  if (!hasChromium) return;
  stage = await Federation.open();
  [hub, spoke, browser] = await Promise.all([stage.hub(), stage.spoke('acme'), openChromium()]);
  await stage.pair(hub, spoke, stage.grant({ approval: { withinS: 600 }, perDay: { agents: 20 } }));
  const { key } = await spoke.client.keys.create({ name: 'looks', role: 'viewer' });
  const size = { viewport: { width: 390, height: 800 } };
  [admin, viewer] = await Promise.all([
    Person.enter(browser, spoke.instance.url, { viewport: { width: 1280, height: 900 } }),
    Person.enter(browser, spoke.instance.url, size),
  ]);
  await Promise.all([admin.signIn(spoke.instance.key), viewer.signIn(key)]);
  page = admin.page;
}, 120_000);
afterAll(async () => {
  if (!hasChromium) return;
  await browser.close();
  await stage.close();
}, 120_000);

/** In light and in dark. */
async function barriersOf(person: Person): Promise<string[]> {
  const found = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await person.page.emulateMedia({ colorScheme });
    found.push(...(await person.barriers()));
  }
  return found;
}

const menu = (name: string) => page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name }).click();
const dialog = () => page.getByRole('dialog');
const press = (name: string) => page.getByRole('button', { name, exact: true }).click();

async function asks(script: string) {
  const answer = await hub.client.agents.spawn(stage.job('acme', script), { waitS: 20 });
  if (!('agent' in answer)) throw new Error('no answer');
  return answer.agent.agentId;
}

story(
  'a hub is suspended and resumed with a reason, and its words and grant are there to read',
  async () => {
    await menu('Hubs');
    await page.getByText('connected', { exact: true }).waitFor();
    expect(await barriersOf(admin)).toEqual([]);
    await page.getByRole('link', { name: 'hub', exact: true }).click();
    await page.getByRole('list', { name: 'The six words' }).waitFor();
    expect(await page.getByRole('list', { name: 'The six words' }).innerText()).toContain(
      (await hub.client.instance()).words[5]!,
    );
    await press('Suspend');
    await dialog().getByLabel('Reason').fill(hostile);
    await page.keyboard.press('Enter');
    await page.getByText('suspended by us').waitFor();
    expect(await barriersOf(admin)).toEqual([]);
    await press('Resume');
    await dialog().getByRole('button', { name: 'Resume' }).click();
    await page.getByText('active', { exact: true }).first().waitFor();
    await stage.connected(hub, spoke);
  },
  120_000,
);

story(
  'what waits for a person appears by itself; it is approved, or denied with a reason',
  async () => {
    await menu('Waiting');
    await page.getByText('Nothing waits.').waitFor();
    const context = { repository: stage.repository, branch: 'main', workItems: [hostile] };
    const spawned = hub.client.agents.spawn(stage.job('acme', '', { context, taskId: 'denied' }), { waitS: 20 });
    const card = page.getByRole('region', { name: 'denied' });
    await card.getByText(hostile.slice(0, 30)).waitFor();
    expect(await barriersOf(admin)).toEqual([]);
    await card.getByLabel('Reason').fill('not now');
    await card.getByRole('button', { name: 'Deny' }).click();
    await page.getByText('Nothing waits.').waitFor();
    const answer = await spawned;
    const agentId = 'agent' in answer ? answer.agent.agentId : '';
    expect(await stage.ended(hub, agentId)).toMatchObject({
      exitReason: 'approval_denied',
      answer: { reason: 'not now' },
    });
    const approved = await asks('echo ready; sleep 600');
    await viewer.go('/questions');
    await viewer.page.getByText('An operator or admin can answer it.').waitFor();
    expect(await viewer.page.getByRole('button', { name: 'Approve' }).count()).toBe(0);
    expect(await barriersOf(viewer)).toEqual([]);
    await press('Approve');
    await stage.running(hub, approved);
  },
  120_000,
);

story(
  'usage stands against the limits of the grant',
  async () => {
    await menu('Usage');
    await page.getByText('2 of 20').waitFor();
    await page.getByRole('link', { name: 'by hub' }).click();
    await page.getByRole('rowheader', { name: 'hub', exact: true }).waitFor();
    expect(await barriersOf(admin)).toEqual([]);
  },
  120_000,
);

story(
  'the machine: drained with a reason and lifted, and its disk looked at',
  async () => {
    await menu('Machine');
    await press('Drain…');
    await dialog().getByLabel('Reason').fill(hostile);
    await page.keyboard.press('Enter');
    await page.getByText('New ones are refused').waitFor();
    expect(await spoke.client.housekeeping.drainState()).toMatchObject({ draining: true, reason: hostile });
    expect(await barriersOf(admin)).toEqual([]);
    await press('Take new agents again');
    await page.getByText('are taken', { exact: true }).waitFor();
    await page.getByRole('region', { name: 'What lies on the disk' }).getByText('The agent lives.').first().waitFor();
    await viewer.go('/machine');
    await viewer.page.getByText('are taken', { exact: true }).waitFor();
    expect(await viewer.page.getByRole('button', { name: 'Drain…' }).count()).toBe(0);
    expect(await barriersOf(viewer)).toEqual([]);
  },
  120_000,
);

story(
  'the big stop: two presses by keyboard, what it did, and the reset',
  async () => {
    await menu('Stop');
    const stop = page.getByRole('button', { name: /^Stop all agents/ });
    await page.getByText('(1 live)').waitFor();
    await page.getByLabel('Reason').fill(hostile);
    await stop.focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    await stop.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: /^Yes, stop all agents/ }).waitFor();
    expect(await barriersOf(admin)).toEqual([]);
    await page.keyboard.press('Enter');
    await page.getByText('nothing survived').waitFor();
    await page.getByText('Stopped: all agents').waitFor();
    expect(await barriersOf(admin)).toEqual([]);
    await press('Reset');
    await dialog().getByLabel('Reason').fill('seen to');
    await page.keyboard.press('Enter');
    await page.getByText('no stop is set').waitFor();
    expect(await until('no latch', async () => (await spoke.client.kill.latches()).length === 0)).toBe(true);
  },
  120_000,
);

story(
  'the audit log: verified, filtered, and a row taken apart into exactly what was said',
  async () => {
    await menu('Audit');
    await press('Verify');
    await page.getByText('it holds').waitFor();
    await page.getByLabel('Kind').selectOption('command');
    const rows = page.getByRole('region', { name: 'Rows' }).locator('summary');
    await rows.filter({ hasText: 'agent.spawn' }).first().waitFor();
    expect(await rows.filter({ hasNotText: 'command' }).count()).toBe(0);
    await rows.filter({ hasText: 'agent.spawn' }).last().click();
    const claims = page.getByRole('region', { name: /^Claims of row/ });
    expect(JSON.parse(await claims.innerText())).toMatchObject({
      cmds: [{ op: 'agent.spawn', args: { taskId: 'denied' } }],
    });
    expect(await claims.innerText()).toContain('<img src=x onerror');
    const token = await page.getByLabel(/exactly as it was said/).innerText();
    const connectionId = (await spoke.client.hubs.get('hub')).connectionId;
    const { rows: found } = await spoke.client.audit.rows({ peer: connectionId, kind: ['command'] });
    expect(found.map(({ raw }) => raw)).toContain(token);
    expect(await barriersOf(admin)).toEqual([]);
    await viewer.go('/audit');
    await viewer.page.getByText('There is no such page').waitFor();
  },
  120_000,
);

story(
  'a grant is edited with its faults at their field, what changes is shown, and it is in force',
  async () => {
    await menu('Hubs');
    await page.getByRole('link', { name: 'hub', exact: true }).click();
    await page.getByRole('link', { name: 'Edit the grant' }).click();
    const atOnce = page.getByLabel('Agents at once');
    await atOnce.fill('-1');
    await page.getByText('concurrentMax: is -1; allowed is a whole number from 0 to 10000.').waitFor();
    expect(await page.getByRole('button', { name: 'Review the changes' }).isDisabled()).toBe(true);
    expect(await barriersOf(admin)).toEqual([]);
    await atOnce.fill('7');
    await press('JSON');
    const text = page.getByLabel('The grant as JSON');
    const written = { ...(JSON.parse(await text.inputValue()) as object), push: ['writ/*'] };
    await text.fill(JSON.stringify({ ...written, sudo: true }));
    await page.getByText('sudo: is true; allowed is one of the fields').waitFor();
    await text.fill(JSON.stringify(written));
    await press('Review the changes');
    await dialog().getByText('it may push to: writ/*').waitFor();
    await dialog().getByText('concurrentMax is 7 at most (50 at most before)').waitFor();
    expect(await barriersOf(admin)).toEqual([]);
    await dialog().getByLabel('Reason').fill(hostile);
    await press('Put it in force');
    await page.getByText('Grant, version 2').waitFor();
    expect(await spoke.client.hubs.grant('hub')).toMatchObject({
      version: 2,
      grant: { concurrentMax: 7, push: ['writ/*'] },
      edited: { reason: hostile },
    });
  },
  120_000,
);

story(
  'a grant that somebody else changed meanwhile is shown in both versions, and neither is lost',
  async () => {
    await page.getByRole('link', { name: 'Edit the grant' }).click();
    await page.getByLabel('Agents at once').fill('9');
    const { grant, version } = await spoke.client.hubs.grant('hub');
    await spoke.client.hubs.setGrant(
      'hub',
      { grant: { ...grant, concurrentMax: 3 }, reason: 'meanwhile' },
      { version },
    );
    await press('Review the changes');
    const side = (name: string) => dialog().getByRole('region', { name }).locator('mark');
    await side('In force: version 3').first().waitFor();
    expect(await side('In force: version 3').allInnerTexts()).toEqual([expect.stringContaining('"concurrentMax": 3')]);
    expect(await side('Yours').allInnerTexts()).toEqual([expect.stringContaining('"concurrentMax": 9')]);
    expect(await barriersOf(admin)).toEqual([]);
    await press('Keep mine over version 3');
    await dialog().getByText('concurrentMax is 9 at most (3 at most before)').waitFor();
    await press('Put it in force');
    await page.getByText('Grant, version 4').waitFor();
    expect((await spoke.client.hubs.grant('hub')).grant.concurrentMax).toBe(9);
  },
  120_000,
);

story(
  'a hub is closed for good, and joined again with an invite, its words and a grant',
  async () => {
    await press('Close for good');
    await dialog().getByRole('button', { name: 'Close for good' }).click();
    await page.getByText('closed', { exact: true }).first().waitFor();
    const { invite } = await hub.client.invites.create({});
    await menu('Hubs');
    await page.getByRole('link', { name: 'Join a hub' }).click();
    await page.getByLabel('Invite').fill(hostile);
    await press('Look at it');
    await page.getByRole('alert').getByText('must be an invite').waitFor();
    await page.getByLabel('Invite').fill(invite);
    await press('Look at it');
    await page.getByRole('list', { name: 'The six words' }).waitFor();
    expect(await barriersOf(admin)).toEqual([]);
    await page.getByLabel('How this spoke calls it').fill('again');
    await page.getByLabel('worker').check();
    await page.getByLabel('Repositories').fill(`${stage.repository}\nhttps://git.example/**`);
    await press('The words are the same: join');
    await page.getByText('The hub has not accepted yet').waitFor();
    const joined = (await spoke.client.hubs.list()).find(({ name }) => name === 'again');
    expect(joined?.grant?.grant.repositories).toEqual([stage.repository, 'https://git.example/**']);
  },
  120_000,
);

story(
  'nothing hostile ran, no other host was asked, and no page is wider than a phone',
  async () => {
    for (const path of ['/hubs', '/questions', '/usage', '/machine', '/stop']) {
      await viewer.go(path);
      await viewer.page.getByRole('heading', { level: 1 }).waitFor();
      expect(await viewer.page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    }
    for (const { complaints, hosts } of [admin, viewer]) {
      expect(complaints).toEqual([]);
      expect([...hosts]).toEqual([new URL(spoke.instance.url).host]);
    }
  },
  120_000,
);
