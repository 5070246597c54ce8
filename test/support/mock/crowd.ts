// A spoke with very many agents, as its hub hears of them: all of them at once, then so many events a second, and what each event
// has made of whom, to be held against what is shown.
import type { RestClient } from '#client';
import { until } from '../until.js';
import { MockSpoke } from './spoke.js';
import type { Json } from './wire.js';

/** Most that a message of the journal takes. */
const eventsMax = 256;
/** Messages that the hub has not acknowledged yet while all agents appear. */
const aheadMax = 4;
const beatMs = 50;
/** A hub that hears nothing for 45 s counts a spoke as lost. */
const heartbeatMs = 10_000;
const acceptMs = 120_000;

export interface CrowdAgent {
  readonly agentId: string;
  /** What was last told of it. */
  turns: number;
  isOver: boolean;
}

export class Crowd {
  readonly agents: CrowdAgent[] = [];
  /** Events told since the beginning. */
  told = 0;
  private readonly spoke: MockSpoke;
  private readonly heartbeat = setInterval(() => this.spoke.tellAll([]), heartbeatMs);
  private next = 0;
  private acked = 0;

  private constructor(name: string) {
    this.spoke = new MockSpoke(name, () => undefined);
  }

  /** Invited, accepted, connected. */
  static async join(hub: RestClient, name: string): Promise<Crowd> {
    const crowd = new Crowd(name);
    const { invite } = await hub.invites.create({});
    await crowd.spoke.join(invite);
    await crowd.spoke.dial();
    await hub.spokes.accept(name);
    const isActive = async () => (await hub.spokes.get(name)).state === 'active' || undefined;
    await until(`${name} is active`, isActive, acceptMs);
    return crowd;
  }

  /** So many agents more begin to run. Resolves when the hub has all of them in its log. */
  async appear(count: number, taskId: string): Promise<void> {
    const events = Array.from({ length: count }, () => this.begun(taskId)).flat();
    for (let at = 0; at < events.length; at += eventsMax) {
      this.tell(events.slice(at, at + eventsMax));
      if ((at / eventsMax) % aheadMax === 0) await this.accepted();
    }
    await this.accepted();
  }

  /** Tells so many events a second, spread over all agents, until the signal; a moment that came late is made up for. */
  async stir(perSecond: number, signal: AbortSignal): Promise<void> {
    const [start, before] = [performance.now(), this.told];
    while (!signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, beatMs));
      const due = Math.floor(((performance.now() - start) * perSecond) / 1_000) - (this.told - before);
      const events = Array.from({ length: Math.min(due, eventsMax) }, () => this.happens());
      if (events.length > 0) this.tell(events);
    }
    await this.accepted();
  }

  close(): void {
    clearInterval(this.heartbeat);
    this.spoke.close();
  }

  private tell(events: readonly Json[]): void {
    this.spoke.tellAll(events);
    this.told += events.length;
  }

  /** Every event so far is in the hub's log. */
  private async accepted(): Promise<void> {
    const { seq, line } = this.spoke;
    while (this.acked < seq) this.acked = Number((await this.spoke.hear(line, 'writ-ack+jws')).claims.seq);
  }

  private begun(taskId: string): Json[] {
    const agent = this.born(taskId);
    const running = { sandbox: { level: 'namespace', enforced: [] } };
    return [agent, this.spoke.event('agent.running', String(agent.subject), running)];
  }

  private born(taskId: string): Json {
    // An odd factor: each has a beginning of its own, which is what lists show.
    const head = Math.imul(this.agents.length, 0x9e3779b1) >>> 0;
    const agentId = `${head.toString(16).padStart(8, '0')}-0000-8000-8000-000000000000`;
    this.agents.push({ agentId, turns: 0, isOver: false });
    const context = { repository: 'https://git.example.org/team/shop.git', branch: 'main', workItems: ['A crowd.'] };
    const actor = { kind: 'peer', id: this.spoke.peer };
    const task = { taskId, agentType: 'worker', context, options: {}, limits: {}, actor };
    return this.spoke.event('agent.spawned', agentId, task);
  }

  /** One in a hundred is a new agent, and one the end of another. */
  private happens(): Json {
    const step = (this.next += 1);
    if (step % 100 === 0) return this.born('new');
    // 7,919 is a prime: whoever is next in the table is far away in time.
    const agent = this.agents[(step * 7_919) % this.agents.length];
    if (!agent) throw new Error('there are no agents yet');
    if (step % 3 === 0 || agent.isOver)
      return this.spoke.event('agent.output', agent.agentId, { offset: step, bytes: 80 });
    return step % 100 === 50 ? this.ended(agent) : this.worked(agent);
  }

  /** What a model's turn makes. */
  private worked(agent: CrowdAgent): Json {
    agent.turns += 1;
    return this.spoke.event('agent.usage', agent.agentId, { usage: used(agent) });
  }

  private ended(agent: CrowdAgent): Json {
    agent.isOver = true;
    const result = { summary: 'Done.', items: [] };
    const how = { exitReason: 'finished', outputBytes: 80, result, actor: { kind: 'system', id: 'spoke' } };
    return this.spoke.event('agent.completed', agent.agentId, { reason: 'done', usage: used(agent), ...how });
  }
}

function used({ turns }: CrowdAgent): Json {
  const tokens = { inputTokens: 900, outputTokens: 80, cacheReadTokens: 0, cacheWriteTokens: 0 };
  return { turns, ...tokens, moneyMicroUsd: turns * 12_500 };
}
