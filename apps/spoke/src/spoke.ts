// The spoke put together: every part once, in the order in which they stand on each other, and taken down in reverse.
//
//   ground (identity, store, records) → agents (sandboxes, worktrees) → partners (links, hubs) → services (what people and hubs ask)
import type { AgentsObserver } from '#agents';
import type { Logger } from 'pino';
import { openAgents, type AgentsOfSpoke } from './assembly/agents.js';
import { openGround, type Ground } from './assembly/ground.js';
import { openPartners, type Partners } from './assembly/partners.js';
import { openServices, type Services } from './assembly/services.js';
import { local } from './agents/gateway.js';
import type { SpokeConfig } from './config.js';
import { EventsTail } from './journal/events.tail.js';
import { JournalRelay } from './journal/journal.relay.js';

/** How often what nobody may ask for any more is forgotten. */
const sweepEveryMs = 86_400_000;

export class Spoke {
  private readonly stopping = new AbortController();
  private readonly tail: EventsTail;
  private readonly relay: JournalRelay;
  private following: readonly Promise<void>[] = [];
  private sweeping: NodeJS.Timeout | undefined;
  private unlinking: Promise<void> | undefined;

  private constructor(
    readonly ground: Ground,
    readonly own: AgentsOfSpoke,
    readonly partners: Partners,
    readonly services: Services,
  ) {
    const { store, config, records, failed } = ground;
    this.tail = new EventsTail(store, config.eventsKeptMax);
    this.relay = new JournalRelay(store, records.journal, this.tail, failed);
  }

  /** Recovery is done when this resolves. @throws StoreError, WritError `config_invalid`, `store_format` */
  static async open(config: SpokeConfig, log: Logger, observer?: AgentsObserver): Promise<Spoke> {
    const ground = await openGround(config, log);
    try {
      const own = await openAgents(ground, observer);
      const partners = openPartners(ground, own.agents);
      return new Spoke(ground, own, partners, openServices(ground, own, partners));
    } catch (error) {
      await ground.store.close();
      throw error;
    }
  }

  /** Relays and dials for every connection, those that come later included. */
  async start(failed: (error: unknown) => void): Promise<void> {
    const { records, grants, replicas } = this.ground;
    const { calls, board, peers, trust, policy } = this.partners;
    await calls.begin();
    await replicas.begin();
    await board.begin();
    for (const connection of await records.connections.list()) this.relay.follow(connection);
    await peers.start();
    trust.signing.start();
    policy.start();
    const { signal } = this.stopping;
    const following = [this.watch(failed), grants.follow(signal)].map((one) => one.catch(failed));
    this.following = [...following, this.tail.follow(local, signal, failed)];
    this.services.webhooks.start();
    this.sweep(failed);
  }

  /**
   * Agents are ended and recorded, their last events journaled and, while the link is there, sent; then the links go. With other
   * processes beside it the links go first: what comes goes to those, and they send the events.
   */
  async close(): Promise<void> {
    const { replicas, store } = this.ground;
    this.partners.policy.stop();
    clearInterval(this.sweeping);
    this.partners.trust.signing.stop();
    if (replicas.others.length > 0) await this.unlink();
    await this.own.agents.close();
    await this.services.webhooks.close();
    this.stopping.abort();
    await Promise.all(this.following);
    await this.relay.stop();
    await this.unlink();
    await replicas.end();
    await this.partners.calls.end();
    await store.close();
  }

  private sweep(failed: (error: unknown) => void): void {
    const sweep = () => void this.ground.records.sweep().catch(failed);
    this.sweeping = setInterval(sweep, sweepEveryMs).unref();
    sweep();
  }

  private async unlink(): Promise<void> {
    await this.partners.board.end();
    this.unlinking ??= this.partners.peers.close();
    await this.unlinking;
  }

  private async watch(failed: (error: unknown) => void): Promise<void> {
    for await (const connection of this.ground.records.connections.watch(this.stopping.signal)) {
      this.relay.follow(connection);
      this.partners.policy.changed(connection).catch(failed);
    }
  }
}
