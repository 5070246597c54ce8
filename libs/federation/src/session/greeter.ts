// What we say of ourselves on one link: our key statement before whatever its keys sign, and hello.
import { lifetimeMaxS } from '#protocol';
import type { HelloClaims } from '#protocol';
import type { Link, Reply } from '../links/link.js';
import type { Sealed } from './seal.js';
import type { SessionPeer } from './session-peer.js';

export interface GreeterTargets {
  readonly host: SessionPeer;
  readonly link: Link;
  /** Our nonce. */
  readonly sn: string;
  readonly theirs: () => HelloClaims | undefined;
  readonly isOver: () => boolean;
  readonly failed: (error: unknown) => void;
}

export class Greeter {
  #hello: Sealed | undefined;
  /** What our last hello here knew of. */
  #saidRevision = 0;
  #greeting: Promise<void> = Promise.resolve();
  /** The key statement that was said last on this link. */
  #stated: string | undefined;

  constructor(private readonly targets: GreeterTargets) {}

  /** Something has changed that our last hello did not tell. */
  get isBehind(): boolean {
    return this.#saidRevision !== this.targets.host.revision;
  }

  /** Whether our last hello has that id. */
  said(jti: string): boolean {
    return this.#hello?.jti === jti;
  }

  /** Says where we stand, with the nonce of the other side when it is known. Later ones never overtake earlier ones. */
  greet(reply?: Reply): Promise<void> {
    this.#greeting = this.#greeting.then(() => this.greetNow(reply)).catch(this.targets.failed);
    return this.#greeting;
  }

  private async greetNow(reply?: Reply): Promise<void> {
    const { host, link, sn, theirs, isOver } = this.targets;
    this.#saidRevision = host.revision;
    const facts = await host.greeting(theirs()?.ops ?? []);
    if (isOver()) return;
    const their = theirs();
    const re = their && { re: their.sn };
    this.#hello = host.seal.message('writ-hello+jws', { sn, ...re, ...facts }, lifetimeMaxS.hello);
    this.stateKeys(reply);
    (reply ?? link).send(this.#hello.raw);
  }

  /** Our key statement, unless it was said on this link. */
  stateKeys(reply?: Reply): void {
    const { host, link, isOver } = this.targets;
    const statement = host.statement();
    if (isOver() || statement === this.#stated) return;
    const first = this.#stated === undefined;
    this.#stated = statement;
    if (reply) reply.send(statement);
    else if (first) link.send(statement);
    else link.announce(statement);
  }
}
