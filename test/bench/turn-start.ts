// Row `turn-start`: from `send` to the turn's first word at the model, of a session whose backend was kept warm, and of one whose
// backend had been let go: a sandbox, a tool host and the conversation are there again only then. Whole spokes, the runtime `claude`,
// the strongest sandbox of this machine, and a model that answers at once. Once as spokes are, with a checkpoint before each turn, and
// once without. Each turn comes a while after the last: what a spoke does in between for the next one is over, and neither turn is
// measured while the other's spoke does it. What the same is for a turn that comes at once is a row of its own.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createLogger } from '#api';
import { spokeConfig } from '../../apps/spoke/src/config.js';
import { startSpoke, type StartedSpoke } from '../../apps/spoke/src/start.js';
import { UnderstudyProcess } from '../support/understudy.js';
import { until } from '../support/until.js';
import { freshFolder, memoryFolder } from './instances/folder.js';
import { makeRepository } from './instances/repository.js';
import { hundredths, median, type Row } from './row.js';

const actor = { kind: 'system', id: 'bench' } as const;
const waitMsMax = 60_000;
/** What is done between two turns takes less, on a busy machine too. */
const betweenMs = 500;
const items = [{ item: 0, status: 'done', note: '' }];
const script = {
  conversations: [
    {
      name: 'session',
      turns: [{ calls: [{ tool: 'submit_result', input: { summary: 'done', items } }] }],
      repeatLast: true,
    },
  ],
};

/** Between a spoke and its model: notes when something comes by. */
class Ear {
  heardAtMs = 0;
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async before(model: string): Promise<Ear> {
    const server = createServer((asked, answer) => {
      ear.heardAtMs ||= performance.now();
      const { method, headers } = asked;
      const onward = request(`${model}${asked.url ?? ''}`, { method, headers }, (said) => {
        answer.writeHead(said.statusCode ?? 500, said.headers);
        said.pipe(answer);
      });
      asked.pipe(onward);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const ear = new Ear(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return ear;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

/** A spoke with one session. */
class Stage {
  private turn = 1;
  private constructor(
    private readonly started: StartedSpoke,
    private readonly ear: Ear,
    private readonly agentId: string,
    private readonly isWarm: boolean,
  ) {}

  static async open(model: string, isWarm: boolean, checkpoints: object): Promise<Stage> {
    const ear = await Ear.before(model);
    const price = { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 };
    const config = spokeConfig.parse({
      ...{ name: 'spoke', port: 0, stateDir: freshFolder('turns'), logLevel: 'silent' },
      ...{ sandbox: { allowNone: true }, repositories: { allowFile: true } },
      ...{ pool: isWarm ? {} : { idleMs: 1, sweepMs: 5 }, checkpoints },
      runtimes: { claude: { kind: 'claude', baseUrl: ear.url, defaultPrice: price } },
    });
    const started = await startSpoke(config, createLogger('silent'));
    const context = {
      repository: makeRepository(memoryFolder('repository')),
      branch: 'main',
      workItems: ['Say done.'],
    };
    const args = {
      taskId: 'turns',
      agentType: 'worker',
      context,
      options: { runtime: 'claude', session: 'bench' },
    } as const;
    const { agentId } = await started.spoke.own.agents.spawn({ owner: 'local', actor, args });
    const stage = new Stage(started, ear, agentId, isWarm);
    await stage.rest();
    return stage;
  }

  /** Milliseconds from the word to the model's first. */
  async send(): Promise<number> {
    await this.rest();
    this.ear.heardAtMs = 0;
    const since = performance.now();
    this.turn += 1;
    await this.started.spoke.own.agents.send({ agentId: this.agentId, actor, turnId: randomUUID(), input: 'Again.' });
    await this.rest();
    return this.ear.heardAtMs - since;
  }

  /** While nobody else does anything. */
  async sendAlone(isAtOnce = false): Promise<number> {
    await pause(betweenMs);
    if (isAtOnce) await this.send();
    const ms = await this.send();
    await pause(betweenMs);
    return ms;
  }

  async close(): Promise<void> {
    await this.started.close();
    this.ear.close();
  }

  /** The turn is over, and its backend kept or gone. */
  private async rest(): Promise<void> {
    const { agents } = this.started.spoke.own;
    await until(
      'the turn is over',
      async () => (await agents.get(this.agentId)).turns?.last?.turn === this.turn,
      waitMsMax,
    );
    const rests = () => (this.isWarm ? agents.pool().entries[0]?.state === 'idle' : agents.pool().entries.length === 0);
    await until('its backend rests', rests, waitMsMax);
  }
}

interface Plan {
  readonly unit: string;
  readonly checkpoints: object;
  /** Comes as soon as the turn before has ended, not a while after. */
  readonly isAtOnce?: true;
}

async function measured(model: string, rounds: number, { unit, checkpoints, isAtOnce }: Plan): Promise<Row[]> {
  const [warm, cold] = [await Stage.open(model, true, checkpoints), await Stage.open(model, false, checkpoints)];
  const times = { warm: [] as number[], cold: [] as number[] };
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const [ours, theirs] = [await warm.sendAlone(isAtOnce), await cold.sendAlone(isAtOnce)];
      // The first of each is not counted.
      if (round === 0) continue;
      times.warm.push(ours);
      times.cold.push(theirs);
    }
  } finally {
    await Promise.all([warm.close(), cold.close()]);
  }
  const ratio = median(times.cold.map((ms, round) => ms / (times.warm[round] ?? ms)));
  const row = { name: 'turn-start', inflight: 1 };
  return [
    { ...row, unit, ours: hundredths(median(times.warm)), peers: { cold: hundredths(median(times.cold)) } },
    { ...row, unit: `${unit}, peer : writ`, ours: 1, peers: { cold: hundredths(ratio) } },
  ];
}

const plans: readonly Plan[] = [
  { unit: 'ms', checkpoints: {} },
  { unit: 'ms at once', checkpoints: {}, isAtOnce: true },
  { unit: 'ms without checkpoints', checkpoints: { keptMax: 0 } },
];

export async function turnStart({ rounds }: { readonly rounds: number }): Promise<Row[]> {
  process.env.ANTHROPIC_API_KEY ??= 'sk-nobody';
  const file = join(freshFolder('script'), 'script.json');
  writeFileSync(file, JSON.stringify(script));
  const understudy = await UnderstudyProcess.start(file);
  try {
    const rows: Row[] = [];
    for (const plan of plans) rows.push(...(await measured(understudy.url, rounds, plan)));
    return rows;
  } finally {
    await understudy.stop();
  }
}
