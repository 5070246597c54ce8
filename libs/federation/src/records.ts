// What an instance remembers of its peers, wired together over one store: for the composition roots of hub and spoke.
import type { Store } from '#store';
import { Alarms } from './connections/alarms.js';
import { Connections } from './connections/connections.js';
import { PeerKeys } from './connections/peer-keys.js';
import { JournalInbox } from './journal/inbox.js';
import { Journal, type JournalOptions } from './journal/journal.js';
import type { AddressPolicy } from './links/address-policy.js';
import type { Broker } from './links/broker/broker.js';
import { PairingDesk } from './pairing/desk.js';
import { Invites } from './pairing/invites.js';
import type { PairingIdentity, PairingLog } from './pairing/pairing-identity.js';
import { listenForPairing, pairingOverBroker } from './pairing/pairing-broker.js';
import { pairingPost, type PairingPost } from './pairing/pairing-post.js';
import { Pairing } from './pairing/pairing.js';
import { AuditCheckpoints } from './receipts/checkpoints.js';
import { Receipts } from './receipts/receipts.js';

export interface RecordsDeps {
  readonly store: Store;
  readonly identity: PairingIdentity;
  /** Judges every URL before it is dialled. */
  readonly policy: AddressPolicy;
  /** Where peers may be met that reach nothing else. */
  readonly broker?: Broker;
  /** Epoch ms; `Date.now` by default. */
  readonly now?: () => number;
  /** 400 days by default. */
  readonly receiptsRetentionMs?: number;
  /** How often each side signs its audit log; hourly by default. */
  readonly checkpointEveryMs?: number;
}

/** What both sides keep. */
export interface Records {
  readonly alarms: Alarms;
  readonly connections: Connections;
  readonly peerKeys: PeerKeys;
  readonly receipts: Receipts;
  readonly audit: AuditCheckpoints;
  /** Forgets what nobody may ask for any more: to be called once a day. */
  sweep(): Promise<void>;
}

export interface HubRecords extends Records {
  readonly invites: Invites;
  readonly desk: PairingDesk;
  readonly inbox: JournalInbox;
}

export interface SpokeRecords extends Records {
  readonly pairing: Pairing;
  readonly journal: Journal;
}

/** The hub's: it invites, also at its broker, and takes the events of its spokes. */
export function hubRecords(deps: RecordsDeps & { readonly log: PairingLog }): HubRecords {
  const { store, identity, broker, log, now } = deps;
  const records = recordsOf(deps);
  const desk = new PairingDesk({ ...deps, ...records, hasBroker: broker !== undefined });
  const failed = (error: unknown): void => log.warn({ err: error }, 'A pairing request could not be answered.');
  if (broker) listenForPairing(broker, identity.id, (raw) => desk.answer(raw), failed);
  const inbox = new JournalInbox(store, records.alarms, records.receipts, now);
  return {
    ...records,
    invites: new Invites(store, identity.id, now),
    desk,
    inbox,
    sweep: () => sweep(records, inbox),
  };
}

/** The spoke's: it joins, and journals for its hubs. `post` replaces the HTTP request of pairing where there is no network. */
export function spokeRecords(
  deps: RecordsDeps & { readonly journal?: JournalOptions; readonly post?: PairingPost },
): SpokeRecords {
  const { store, identity, policy, broker, post = pairingPost(policy) } = deps;
  const overBroker = broker && pairingOverBroker(broker, identity.id);
  const records = recordsOf(deps);
  const journal = new Journal(store, records.alarms, records.receipts, deps.journal);
  return {
    ...records,
    pairing: new Pairing({ ...deps, ...records, post, overBroker }),
    journal,
    sweep: () => sweep(records, journal),
  };
}

function recordsOf({ store, now, receiptsRetentionMs, checkpointEveryMs }: RecordsDeps): Omit<Records, 'sweep'> {
  const alarms = new Alarms(store, now);
  const connections = new Connections(store, alarms, now);
  const receipts = new Receipts(store, now, receiptsRetentionMs);
  const audit = new AuditCheckpoints(store, receipts, alarms, now, checkpointEveryMs);
  return { alarms, connections, peerKeys: new PeerKeys(store, alarms, receipts), receipts, audit };
}

async function sweep(records: Omit<Records, 'sweep'>, journals: Pick<Journal, 'forget'>): Promise<void> {
  for (const id of await records.connections.prune()) await journals.forget(id);
  await records.receipts.prune();
}
