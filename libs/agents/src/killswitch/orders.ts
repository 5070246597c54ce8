// Orders to stop, for whichever process runs the agents: another replica on the same store hears them as we do.
import { exitReason } from '#protocol';
import type { Append, Key, Store } from '#store';
import type { AgentsLog } from '../deps.js';
import type { Intent } from '../lifecycle/record.js';
import type { Run } from '../spawner/run.js';
import type { Runs } from '../spawner/runs.js';
import { Stop } from '../spawner/stop.js';
import { everybody } from './latches.js';

const stream: Key = ['agents', 'orders'];
/** Orders that are kept: each is heard within moments. */
const KEPT_MAX = 1_000;

export interface Order extends Intent {
  /** One agent, or what an owner (or everybody) has alive. */
  readonly agentId?: string;
  readonly scope?: string;
}

export class Orders {
  constructor(
    private readonly store: Store,
    private readonly runs: Runs,
    private readonly log: AgentsLog,
  ) {}

  append(order: Order): Append {
    return { stream, value: order };
  }

  async give(order: Order): Promise<void> {
    await this.store.commit({ appends: [this.append(order)] });
  }

  /** Stops what it names among the runs of this process, and says which these were. */
  obey(order: Order): Run[] {
    const { agentId, scope } = order;
    const one = agentId === undefined ? undefined : this.runs.get(agentId);
    const named = agentId === undefined ? this.runs.all(scope === everybody ? undefined : scope) : one ? [one] : [];
    const stop = new Stop(exitReason.parse(order.exitReason), order.actor, order.reason);
    const live = named.filter((run) => !run.hasEnded);
    for (const run of live) run.stop(stop);
    return live;
  }

  /** From now on, until the signal. A store that drops the watch is watched again. */
  async follow(signal: AbortSignal): Promise<void> {
    let cursor = await this.store.head(stream);
    await this.store.trim(stream, Math.max(0, cursor - KEPT_MAX));
    while (!signal.aborted) {
      try {
        for await (const order of this.store.watch<Order>(stream, cursor, signal)) {
          this.obey(order.value);
          cursor = order.cursor;
        }
      } catch (cause) {
        this.log.warn({ cause }, 'the watch for stop orders broke; it is begun again');
        await new Promise((resolve) => setTimeout(resolve, 1_000).unref());
      }
    }
  }
}
