// What everything on a hub stands on: who it is, its store, and what it keeps there.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Acts } from '#api';
import { AddressPolicy, Broker, hubRecords, Identity, type HubRecords } from '#federation';
import { ChainedLog, openStore, type Store } from '#store';
import { variable, type HubConfig } from '../config.js';

export interface Ground {
  readonly config: HubConfig;
  readonly log: Logger;
  /** Told of what goes wrong where nobody waits for it. */
  readonly failed: (error: unknown) => void;
  readonly identity: Identity;
  readonly store: Store;
  /** Judges every address of a peer before it is dialled. */
  readonly addresses: AddressPolicy;
  readonly broker: Broker | undefined;
  readonly records: HubRecords;
  readonly acts: Acts;
}

/** @throws StoreError, WritError `config_invalid`, `store_format` */
export async function openGround(config: HubConfig, log: Logger): Promise<Ground> {
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
  const identity = Identity.open(join(config.stateDir, 'keys'));
  const place = { prefix: `writ:hub:${identity.id}`, path: join(config.stateDir, 'store.sqlite') };
  const store = await openStore({ url: config.store, ...place });
  try {
    return groundOn(store, identity, config, log);
  } catch (error) {
    await store.close();
    throw error;
  }
}

function groundOn(store: Store, identity: Identity, config: HubConfig, log: Logger): Ground {
  const failed = (error: unknown) => log.error({ err: error }, 'work in the background failed');
  const addresses = new AddressPolicy(config.networks);
  const { broker: options } = config;
  const broker = options && new Broker({ options, id: identity.id, policy: addresses, variable });
  const records = hubRecords({ store, identity, policy: addresses, broker, log, ...auditOptions(config) });
  const acts = new Acts(new ChainedLog(store, ['hub', 'acts']));
  return { config, log, failed, identity, store, addresses, broker, records, acts };
}

function auditOptions({ audit: { retentionDays, checkpointEveryMs } }: HubConfig) {
  return { receiptsRetentionMs: retentionDays * 86_400_000, checkpointEveryMs };
}
