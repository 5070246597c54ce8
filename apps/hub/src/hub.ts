// The hub put together: every part once, in the order in which they stand on each other, and taken down in reverse.
//
//   ground (identity, store, records) → partners (links, spokes) → fleet (agents, commands) → services (what people ask)
import type { Logger } from 'pino';
import { openFleet, type FleetOfHub } from './assembly/fleet.js';
import { openGround, type Ground } from './assembly/ground.js';
import { openPartners, type Partners } from './assembly/partners.js';
import { openServices, type Services } from './assembly/services.js';
import type { HubConfig } from './config.js';

/** How often what nobody may ask for any more is forgotten. */
const sweepEveryMs = 86_400_000;

export class Hub {
  private readonly stopping = new AbortController();
  private watching: Promise<void> = Promise.resolve();
  private sweeping: NodeJS.Timeout | undefined;

  private constructor(
    readonly ground: Ground,
    readonly partners: Partners,
    readonly own: FleetOfHub,
    readonly services: Services,
  ) {}

  /** `url`: where it will listen, asked when it does. @throws StoreError, WritError `config_invalid`, `store_format` */
  static async open(config: HubConfig, log: Logger, url: () => string): Promise<Hub> {
    const ground = await openGround(config, log);
    try {
      const partners = openPartners(ground);
      const own = await openFleet(ground, partners);
      return new Hub(ground, partners, own, openServices(ground, partners, own, url));
    } catch (error) {
      await ground.store.close();
      throw error;
    }
  }

  /** Catches up with the journals: to be done before anybody can ask. */
  async load(): Promise<void> {
    await this.partners.shared.begin();
    const known = await this.partners.spokes.load();
    await Promise.all(known.map(({ id }) => this.own.fleet.follow(id)));
  }

  /** Meets the spokes, takes up open commands, and goes on following connections. */
  async start(failed: (error: unknown) => void): Promise<void> {
    const { peers, trust, spokes } = this.partners;
    await peers.start();
    trust.signing.start();
    await this.own.commands.resume();
    this.watching = spokes.watch(({ id }) => void this.own.fleet.follow(id), this.stopping.signal).catch(failed);
    this.services.webhooks.start();
    await this.services.pushes.start();
    this.sweep(failed);
  }

  /** What is open stays open for the next start; what came is recorded. */
  async close(): Promise<void> {
    const { peers, shared, trust } = this.partners;
    this.stopping.abort();
    clearInterval(this.sweeping);
    trust.signing.stop();
    await this.watching;
    await this.own.commands.stop();
    await Promise.all([this.services.webhooks.close(), this.services.pushes.close()]);
    await shared.leave();
    await peers.close();
    await this.own.fleet.stop();
    await shared.end();
    await this.ground.store.close();
  }

  private sweep(failed: (error: unknown) => void): void {
    const sweep = () => void this.ground.records.sweep().catch(failed);
    this.sweeping = setInterval(sweep, sweepEveryMs).unref();
    sweep();
  }
}
