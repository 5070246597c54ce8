// What the parts of a session need of the peer that it belongs to.
import type { CheckpointClaims, HelloClaims } from '#protocol';
import type { JournalSink, JournalSource } from '../journal/position.js';
import type { Intake, IntakeTargets } from './intake.js';
import type { PeerRecords } from './peer-records.js';
import type { PeerRoot } from './peer-root.js';
import type { Pulse } from './pulse.js';
import type { Requests } from './requests.js';
import type { Seal } from './seal.js';

export interface SessionPeer extends IntakeTargets {
  readonly root: PeerRoot;
  readonly seal: Seal;
  readonly requests: Requests;
  readonly intake: Intake;
  readonly records: PeerRecords;
  readonly pulse: Pulse;
  readonly source: JournalSource | undefined;
  readonly sink: JournalSink | undefined;
  /** Grows whenever something changes that our hello tells. */
  readonly revision: number;
  /** The grant version of the peer's last hello. */
  readonly theirGrantVersion: number;
  /** Our current key statement. */
  statement(): string;
  /** Everything that our hello says but the nonces, to a peer whose own hello has these `ops`. */
  greeting(
    named: readonly string[],
  ): Promise<Omit<HelloClaims, 'v' | 'iss' | 'aud' | 'con' | 'jti' | 'iat' | 'exp' | 'sn' | 're'>>;
  /** What the peer says of itself in a hello that is fresh for sure. */
  greeted(hello: HelloClaims): void;
  /** Resolves when what the last hello made of our own half is known. */
  taken(): Promise<void>;
  /** A checkpoint of the other side's audit log, or its countersignature of ours. */
  checkpoint(heard: { readonly claims: CheckpointClaims; readonly raw: string; readonly ref: string }): void;
}
