// The keys of the instance itself.
import type {
  KeyRevoke,
  KeyRotate,
  PeerKeysLearned,
  PeerStatementGiven,
  RootParked,
  SigningKeys,
  StatementAdopt,
} from '#protocol';
import type { Http } from './http.js';

export class SigningResource {
  constructor(private readonly http: Http) {}

  async show(): Promise<SigningKeys> {
    return (await this.http.call<SigningKeys>({ method: 'GET', path: '/v1/identity' })).body;
  }

  rotate(body: KeyRotate): Promise<SigningKeys> {
    return this.act('rotate', body);
  }

  revoke(body: KeyRevoke): Promise<SigningKeys> {
    return this.act('revoke', body);
  }

  /** A key statement that the root signed elsewhere. */
  adopt(body: StatementAdopt): Promise<SigningKeys> {
    return this.act('statement', body);
  }

  /** The newest key statement of a peer that no link brings. */
  learn(body: PeerStatementGiven): Promise<PeerKeysLearned> {
    return this.act('peer', body);
  }

  /** Where on the instance's machine its root key now lies, to be taken away. */
  park(reason: string): Promise<RootParked> {
    return this.act('park', { reason });
  }

  private async act<T>(what: string, body: object): Promise<T> {
    return (await this.http.call<T>({ method: 'POST', path: `/v1/identity/${what}`, body })).body;
  }
}
