// What the people of a hub and of a spoke see of keys and logs, over what the instance knows of its peers.
import type { Check, PeerKeysLearned } from '#protocol';
import type { Logger } from 'pino';
import type { Acts } from './acts.js';
import { AuditService, type AuditParts } from './audit/audit.service.js';
import { checkPeerKeys, type PeerStatement } from './signing/check.js';
import { SigningService, type KeyHolder, type SigningParts } from './signing/signing.service.js';

/** What is known of peers; see `PeerTrust` of the federation. */
interface KnownPeers {
  readonly changed: () => void;
  readonly statements: () => readonly PeerStatement[];
  readonly learn: (peer: string, token: string) => Promise<PeerKeysLearned>;
  readonly openLog: AuditParts['open'];
  readonly checks: () => readonly Check[];
}

export interface TrustParts {
  readonly keys: KeyHolder;
  readonly acts: Acts;
  readonly alarms: AuditParts['alarms'] & SigningParts['alarms'];
  readonly peers: KnownPeers;
  readonly log: Logger;
}

export class Trust {
  readonly signing: SigningService;
  readonly audit: AuditService;

  constructor(private readonly of: TrustParts) {
    const { keys, acts, alarms, peers, log } = of;
    const warn = ({ detail, cure }: Check) => log.warn({ cure }, detail);
    const failed = (error: unknown) => log.error({ err: error }, 'the key statements could not be looked at');
    const { changed, learn, statements } = peers;
    this.signing = new SigningService({ keys, acts, alarms, warn, failed, changed, learn, peers: statements });
    this.audit = new AuditService({ open: peers.openLog, alarms, acts });
  }

  /** The last key statement of each peer. */
  readonly statements = (): readonly PeerStatement[] => this.of.peers.statements();

  /** For `writ doctor`: whether keys hold, peers answer and alarms are seen to. */
  readonly checks = async (): Promise<Check[]> => [
    this.signing.check(),
    ...checkPeerKeys(this.of.peers.statements(), Date.now()),
    ...this.of.peers.checks(),
    ...(await this.audit.check()),
  ];
}
