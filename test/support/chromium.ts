// One real Chromium for a file of stories: a page of its own for each person, everything it asked and complained of written down.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { root } from './instance.js';

const executablePath = '/usr/bin/chromium';

export const hasChromium = existsSync(executablePath);
export const getChromium = 'apt-get install --no-install-recommends chromium';

const quiet = ['gpu', 'quic', 'background-networking', 'component-update', 'sync'].map((part) => `--disable-${part}`);

export async function openChromium(): Promise<Browser> {
  const { chromium } = await import('playwright-core');
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--no-first-run', ...quiet] });
}

/** A person with a browser profile of their own. */
export class Person {
  /** Hosts that were asked. */
  readonly hosts = new Set<string>();
  /** What the page threw, and what its policy forbade. */
  readonly complaints: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    readonly url: string,
  ) {
    page.on('request', (request) => this.hosts.add(new URL(request.url()).host));
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      if (/Content Security Policy|Trusted ?Type|TypeError/i.test(message.text())) this.complaints.push(message.text());
    });
    page.on('dialog', (dialog) => {
      this.complaints.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  static async enter(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(15_000);
    return new Person(context, await context.newPage(), url);
  }

  /** With a key, through the form. */
  async signIn(key: string): Promise<void> {
    await this.page.goto(`${this.url}/console/`);
    await this.page.getByLabel('API key').fill(key);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.page.getByRole('status').getByText('live').waitFor();
  }

  /** To a page of the console, as its links go there. */
  async go(path: string): Promise<void> {
    await this.page.goto(`${this.url}/console${path}`);
  }

  /** Kept for whoever wants to see what the stories saw: in `screenshots/`, which git does not. */
  async picture(name: string): Promise<void> {
    await this.page.screenshot({ path: join(root, 'screenshots', `${name}.png`) });
  }

  /** In light and in dark, as they stand in docs/images. */
  async pictures(name: string): Promise<void> {
    for (const colorScheme of ['light', 'dark'] as const) {
      await this.page.emulateMedia({ colorScheme });
      await this.picture(colorScheme === 'light' ? name : `${name}-dark`);
    }
    await this.page.emulateMedia({ colorScheme: null });
  }

  /** What axe-core finds serious or worse on the page as it is now. */
  async barriers(): Promise<string[]> {
    const { default: axe } = await import('axe-core');
    await this.page.evaluate(axe.source);
    return this.page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
      interface Violation {
        readonly id: string;
        readonly impact: string;
        readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
      }
      const { violations } = await axe.run();
      const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      return grave.map(({ id, nodes }) => `${id}: ${nodes.map((n) => n.html + (n.failureSummary ?? '')).join(' | ')}`);
    });
  }
}
