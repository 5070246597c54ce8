// Somebody at a browser before the console of a hub with a crowd of agents, who scrolls with the wheel and looks on.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { RestClient } from '#client';
import { openChromium, Person } from '../../support/chromium.js';
import { framesOf, type Frames } from '../../support/frames.js';
import { Instance } from '../../support/instance.js';
import { Crowd } from '../../support/mock/crowd.js';
import { atTable, wheelAbout, wheelThrough } from '../../support/table.js';
import { freshFolder } from './folder.js';

export interface ConsolePlan {
  /** In the long table; `few` of them in the short one. */
  readonly agents: number;
  readonly few: number;
  readonly eventsPerSecond: number;
  /** How long the picture of the fleet is watched. */
  readonly watchMs: number;
}

export interface FirstPaint {
  readonly paintMs: number;
  /** Until the page is signed in and follows the events. */
  readonly liveMs: number;
  /** All that was transferred of the console itself, as it came, headers included. */
  readonly bytes: number;
}

const view = { viewport: { width: 1_280, height: 800 }, reducedMotion: 'no-preference' } as const;
const loaded = `({
  paintMs: performance.getEntriesByName('first-contentful-paint')[0].startTime,
  liveMs: performance.now(),
  bytes: [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .filter(({ name }) => !name.includes('/v1/'))
    .reduce((sum, { transferSize }) => sum + transferSize, 0),
})`;

export class Audience {
  private constructor(
    private readonly plan: ConsolePlan,
    private readonly hub: Instance,
    private readonly crowd: Crowd,
    private readonly browser: Browser,
    private readonly person: Person,
  ) {}

  static async open(plan: ConsolePlan): Promise<Audience> {
    const [role, name, stateDir] = ['hub', 'hub', freshFolder('console')] as const;
    const hub = await Instance.start({ role, name, stateDir, config: { logLevel: 'error' } });
    await using client = new RestClient({ url: hub.url, key: hub.key });
    const crowd = await Crowd.join(client, 'crowd');
    await crowd.appear(plan.few, 'few');
    await crowd.appear(plan.agents - plan.few, 'many');
    const browser = await openChromium();
    const person = await Person.enter(browser, hub.url, view);
    await person.signIn(hub.key);
    return new Audience(plan, hub, crowd, browser, person);
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.crowd.close();
    await this.hub.stop();
  }

  /** Of somebody who has a session and nothing of the console yet. */
  async firstPaint(): Promise<FirstPaint> {
    const storageState = await this.person.context.storageState();
    const { context, page } = await Person.enter(this.browser, this.hub.url, { ...view, storageState });
    await page.goto(`${this.hub.url}/console/`);
    await page.getByRole('status').getByText('live').waitFor();
    const paint = await page.evaluate<FirstPaint>(loaded);
    await context.close();
    return paint;
  }

  /** Through the whole table, from the newest agent to the oldest. */
  async manyAgents(): Promise<Frames> {
    const { page } = this.person;
    await atTable(page, `${this.hub.url}/console/agents`);
    return framesOf(page, () => wheelThrough(page));
  }

  /** As far, but down and up again in a table that is short. */
  async fewAgents(): Promise<Frames> {
    const { page } = this.person;
    await atTable(page, `${this.hub.url}/console/agents?task=few`);
    return framesOf(page, () => wheelAbout(page, this.plan.agents));
  }

  async picture(): Promise<Frames> {
    const { page } = this.person;
    await this.person.go('/');
    await page.locator('.picture .dot').first().waitFor();
    return framesOf(page, () => sleep(this.plan.watchMs));
  }

  async underEvents<T>(doing: () => Promise<T>): Promise<T> {
    const enough = new AbortController();
    const stirring = this.crowd.stir(this.plan.eventsPerSecond, enough.signal);
    try {
      return await doing();
    } finally {
      enough.abort();
      await stirring;
    }
  }
}
