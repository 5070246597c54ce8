// The stage: a hub and two partners' spokes as separate processes on embedded defaults, and what they need around them.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSandboxes } from '#agents';
import { RestClient } from '#client';
import type { SandboxLevel } from '#protocol';
import { Instance } from '../support/instance.js';
import { Tap } from '../support/tap.js';
import { scriptFile, UnderstudyProcess } from '../support/understudy.js';

/** An instance and a client with its first key. */
export interface Player {
  readonly instance: Instance;
  readonly client: RestClient;
}

/** Counts, until it is stopped, what the hub hears from its spokes. */
class EventCount {
  private readonly seen = new Set<string>();
  private readonly over = new AbortController();
  private readonly counting: Promise<void>;

  constructor(client: RestClient) {
    this.counting = this.run(client).catch(() => undefined);
  }

  get count(): number {
    return this.seen.size;
  }

  private async run(client: RestClient): Promise<void> {
    for await (const { event } of client.agents.events(undefined, this.over.signal)) this.seen.add(event.id);
  }

  async stop(): Promise<void> {
    this.over.abort();
    await this.counting;
  }
}

export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'writ-demo-'));
  readonly tap = new Tap();
  private readonly players: Instance[] = [];
  private readonly leaving: (() => Promise<unknown>)[] = [];
  hub!: Player;
  north!: Player;
  south!: Player;
  events!: EventCount;
  sandbox: SandboxLevel = 'none';
  /** Of the real model API; undefined when an understudy plays, for want of a key or because a script was asked for. */
  readonly key: string | undefined;

  /** `script`: of the first spoke's model; the sample's repair by default. */
  constructor(private readonly script?: string) {
    this.key = script === undefined ? process.env.ANTHROPIC_API_KEY || undefined : undefined;
  }

  /** `north` reaches the hub through a tap, so that the last scene can show what a listener on the wire can do. */
  async open(): Promise<void> {
    this.leaving.push(async () => rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 }));
    this.sandbox = await this.strongest();
    const wire = await this.tap.open();
    this.leaving.push(() => this.tap.close());
    this.hub = await this.enter('hub', 'hub', { publicUrl: wire });
    this.tap.aim(this.hub.instance.url);
    const scripts = [this.script ?? scriptFile('repair'), scriptFile('long-run')] as const;
    const [repair, endless] = await Promise.all([this.model(scripts[0]), this.model(scripts[1])]);
    [this.north, this.south] = await Promise.all([this.spoke('north', repair), this.spoke('south', endless)]);
    this.events = new EventCount(this.hub.client);
    this.leaving.push(() => this.events.stop());
  }

  /** A folder of its own below the stage's. */
  room(name: string): string {
    const folder = join(this.folder, name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  /** The end of every player's log: what to look at when the story broke off. */
  lastWords(): string {
    return this.players
      .map(({ options, log }) => `— ${options.name}:\n${log.join('').trimEnd().split('\n').slice(-12).join('\n')}`)
      .join('\n');
  }

  /** Everybody leaves, last in first out; the folder goes with them. */
  async close(): Promise<void> {
    for (const leave of this.leaving.splice(0).reverse()) await leave();
  }

  private async strongest(): Promise<SandboxLevel> {
    const { reports } = await openSandboxes({ stateDir: this.room('probe'), allowNone: true });
    return reports.findLast(({ ok }) => ok)?.level ?? 'none';
  }

  private async model(script: string): Promise<{ baseUrl?: string; key: string }> {
    if (this.key !== undefined) return { key: this.key };
    const understudy = await UnderstudyProcess.start(script);
    this.leaving.push(() => understudy.stop());
    return { baseUrl: understudy.url, key: 'understudy' };
  }

  private spoke(name: string, { baseUrl, key }: { baseUrl?: string; key: string }): Promise<Player> {
    const claude = { kind: 'claude', ...(baseUrl === undefined ? {} : { baseUrl }) };
    const config = {
      runtimes: { claude },
      repositories: { allowFile: true },
      sandbox: { allowNone: this.sandbox === 'none' },
    };
    return this.enter('spoke', name, { ...config, agents: { graceMs: 1_000 } }, { ANTHROPIC_API_KEY: key });
  }

  private async enter(
    role: 'hub' | 'spoke',
    name: string,
    config: object,
    env: Record<string, string> = {},
  ): Promise<Player> {
    const instance = await Instance.start({ role, name, stateDir: this.room(name), config, env });
    this.players.push(instance);
    const client = new RestClient({ url: instance.url, key: instance.key });
    this.leaving.push(() => Promise.all([client.close(), instance.stop()]));
    return { instance, client };
  }
}
