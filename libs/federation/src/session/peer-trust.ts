// What an instance knows of those it speaks to, in the words of the services that its people use: keys, logs, and what is wrong.
import type { PeerKeysLearned } from '#protocol';
import { jointState } from '../connections/connection.js';
import type { Directory } from '../connections/directory.js';
import type { Broker } from '../links/broker/broker.js';
import { checkBroker } from '../links/broker/check.js';
import { openAudit, type AuditDeps } from '../receipts/export.js';
import { learnedKeys } from './learned.js';
import { peerChecks } from './peer-checks.js';
import type { Peers } from './peers.js';

export interface PeerTrustParts extends Omit<AuditDeps, 'sealOf'> {
  readonly peers: Peers;
  readonly directory: Directory;
  readonly broker?: Broker | undefined;
}

export class PeerTrust {
  constructor(private readonly of: PeerTrustParts) {}

  /** Tells every peer with which keys this instance speaks now. */
  readonly changed = (): void => this.of.peers.stateKeys();

  readonly statements = () => statementsOf(this.of.peers);

  /** Takes a peer's statement that people brought. @throws WritError `not_found`, `key_invalid` */
  readonly learn = async (ref: string, token: string): Promise<PeerKeysLearned> => {
    const connection = await this.of.directory.find(ref);
    return learnedKeys(connection, await this.of.peers.learn(connection.id, token));
  };

  /** @throws WritError `not_found` */
  readonly openLog = async (ref: string) => {
    const sealOf = (id: string) => this.of.peers.peer(id)?.sealCheckpoint;
    return openAudit({ ...this.of, sealOf }, await this.of.directory.find(ref));
  };

  readonly checks = () => [...peerChecks(this.of.peers), ...(this.of.broker ? [checkBroker(this.of.broker)] : [])];
}

/** Whose key statement ends when, epoch ms. */
interface KnownEnd {
  readonly connection: string;
  readonly name: string;
  readonly endsAtMs: number;
}

/** Of every connection that is not closed. */
function statementsOf(peers: Peers): readonly KnownEnd[] {
  const open = peers.list().filter(({ connection }) => jointState(connection) !== 'closed');
  return open.map(({ connection: { id, peer }, keysEndAt = 0 }) => {
    return { connection: id, name: peer.name, endsAtMs: keysEndAt };
  });
}
