// A hub of two processes and a spoke of two, each pair on one Valkey with the same keys, behind a load balancer.
import { copyFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { balancer, type Balancer } from './balancer.js';
import { Federation, Player } from './federation.js';
import type { Role } from './instance.js';
import { startRedis, type RedisServer } from './redis.js';
import { UnderstudyProcess } from './understudy.js';
import { until } from './until.js';

const shell = {
  kind: 'command',
  argv: [
    'sh',
    '-c',
    `exec sh -c "$(printf %s "$WRIT_TASK" | sed -n 's/.*"workItems":\\["\\([^"]*\\)".*/\\1/p' | base64 -d)"`,
  ],
};

const price = { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 };
/** A session of two turns, each with an answer at once. */
const story = {
  conversations: [{ name: 'session', turns: ['first', 'second'].map((summary) => answer(summary)) }],
};

function answer(summary: string) {
  const items = [{ item: 0, status: 'done', note: '' }];
  return { calls: [{ tool: 'submit_result', input: { summary, items } }] };
}

export class Replicated {
  private constructor(
    readonly stage: Federation,
    readonly redis: RedisServer,
    readonly door: Balancer,
    readonly hubs: readonly [Player, Player],
    readonly spokes: readonly [Player, Player],
    readonly connectionId: string,
  ) {}

  static async open(): Promise<Replicated> {
    const stage = await Federation.open();
    const redis = await startRedis({ synced: false });
    stage.afterwards(() => redis.dispose());
    const door = await balancer();
    stage.afterwards(() => door[Symbol.asyncDispose]());
    const script = join(stage.folder, 'script.json');
    writeFileSync(script, JSON.stringify(story));
    const understudy = await UnderstudyProcess.start(script);
    stage.afterwards(() => understudy.stop());
    const claude = { kind: 'claude', baseUrl: understudy.url, defaultPrice: price };
    const hubs = await twoProcesses(stage, 'hub', 'hub', { store: redis.url, logLevel: 'warn', publicUrl: door.url });
    door.targets([hubs[0].instance.url]);
    const agents = { graceMs: 1_000, agentsMax: 200, leaseMs: 3_000, sweepMs: 500 };
    const own = { store: redis.url, logLevel: 'warn', heartbeatMs: 500, repositories: { allowFile: true } };
    const sandbox = { allowNone: stage.sandbox === 'none' };
    const all = { ...own, agents, sandbox, runtimes: { shell, claude } };
    const spokes = await twoProcesses(stage, 'spoke', 'acme', all, { ANTHROPIC_API_KEY: 'sk-nobody' });
    const connectionId = await stage.pair(hubs[0], spokes[0]);
    const replicated = new Replicated(stage, redis, door, hubs, spokes, connectionId);
    door.targets(hubs.map(({ instance }) => instance.url));
    return replicated;
  }

  /** Every process of the spoke has its link, to whichever process of the hub. */
  async linked(): Promise<void> {
    for (const spoke of this.spokes)
      await until('each process of the spoke has a link', async () => (await spoke.client.hubs.get('hub')).connected);
  }

  /** From now on all links of the spoke end at that process of the hub. */
  async linkedTo(hub: 0 | 1): Promise<void> {
    const [to, from] = [this.hubs[hub], this.hubs[hub ? 0 : 1]].map(({ instance }) => instance.url) as [string, string];
    this.door.targets([to]);
    this.door.cut();
    await until('the links have moved', () => this.door.openTo(to) === 2 && this.door.openTo(from) === 0, 20_000);
    await this.linked();
  }

  /** Links again wherever they come to. */
  spread(): void {
    this.door.targets(this.hubs.map(({ instance }) => instance.url));
  }

  close(): Promise<void> {
    return this.stage.close();
  }
}

/** Two processes of one instance: the second one finds the keys and the first admin key of the first. */
export async function twoProcesses(
  stage: Federation,
  role: Role,
  name: string,
  config: object,
  env = {},
): Promise<[Player, Player]> {
  const [one, two] = [stage.room(`${name}-1`), stage.room(`${name}-2`)];
  const first = await enter(stage, { role, name, stateDir: one, config, env });
  symlinkSync(join(one, 'keys'), join(two, 'keys'));
  copyFileSync(join(one, 'cli.key'), join(two, 'cli.key'));
  return [first, await enter(stage, { role, name, stateDir: two, config, env })];
}

async function enter(stage: Federation, options: Parameters<typeof Player.enter>[0]): Promise<Player> {
  const player = await Player.enter(options);
  stage.afterwards(() => player.leave());
  return player;
}
