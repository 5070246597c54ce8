// What everything on a spoke stands on: who it is, its store, and what it keeps there.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Acts } from '#api';
import { AddressPolicy, Broker, Identity, spokeRecords, type SpokeRecords } from '#federation';
import { ChainedLog, openStore, Replicas, type Store } from '#store';
import { variable, type SpokeConfig } from '../config.js';
import { GrantsService } from '../grants/grants.service.js';

export interface Ground {
  readonly config: SpokeConfig;
  readonly log: Logger;
  /** Told of what goes wrong where nobody waits for it. */
  readonly failed: (error: unknown) => void;
  readonly identity: Identity;
  readonly store: Store;
  /** Judges every address of a peer before it is dialled. */
  readonly addresses: AddressPolicy;
  readonly broker: Broker | undefined;
  readonly records: SpokeRecords;
  readonly acts: Acts;
  readonly grants: GrantsService;
  readonly replicas: Replicas;
}

/** @throws StoreError, WritError `config_invalid`, `store_format` */
export async function openGround(config: SpokeConfig, log: Logger): Promise<Ground> {
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
  const identity = Identity.open(join(config.stateDir, 'keys'));
  const store = await openDurable(config, identity.id, log);
  try {
    return groundOn(store, identity, config, log);
  } catch (error) {
    await store.close();
    throw error;
  }
}

function groundOn(store: Store, identity: Identity, config: SpokeConfig, log: Logger): Ground {
  const failed = (error: unknown) => log.error({ err: error }, 'work in the background failed');
  const addresses = new AddressPolicy(config.networks);
  const { broker: options } = config;
  const broker = options && new Broker({ options, id: identity.id, policy: addresses, variable });
  const kept = { ...auditOptions(config), journal: { heartbeatMs: config.heartbeatMs } };
  const records = spokeRecords({ store, identity, policy: addresses, broker, ...kept });
  const acts = new Acts(new ChainedLog(store, ['spoke', 'acts']));
  const grants = new GrantsService(store, acts, identity.id);
  const replicas = new Replicas(store, { shared: config.store !== undefined, failed });
  return { config, log, failed, identity, store, addresses, broker, records, acts, grants, replicas };
}

/** The journal promises that what a hub was told was written: a store that forgets is named at every start. */
async function openDurable(config: SpokeConfig, id: string, log: Logger): Promise<Store> {
  const place = { prefix: `writ:spoke:${id}`, path: join(config.stateDir, 'store.sqlite') };
  const store = await openStore({ url: config.store, ...place });
  const durability = await store.durability();
  if (!durability.synced) log.warn({ reason: durability.reason }, 'events may be lost with the power of the store');
  return store;
}

function auditOptions({ audit: { retentionDays, checkpointEveryMs } }: SpokeConfig) {
  return { receiptsRetentionMs: retentionDays * 86_400_000, checkpointEveryMs };
}
