// Makes and revokes invites under this hub's name and address, and writes down who did.
import { operationNames, WritError, type Actor, type Invite, type InviteCreated, type OperationName } from '#protocol';
import type { Acts } from '#api';
import type { Invites } from '#federation';

/** What an invite asks for; the defaults are the schema's. */
interface InviteWish {
  readonly operations?: readonly OperationName[];
  readonly expiresInS: number;
  readonly unattended: boolean;
  /** Over the broker of this hub. */
  readonly broker?: boolean;
}

/** How spokes find this hub. */
interface Whereabouts {
  readonly name: string;
  /** Known only once the hub listens. */
  readonly url: () => string;
  readonly broker: string | undefined;
}

export class InvitesService {
  constructor(
    private readonly invites: Invites,
    private readonly acts: Acts,
    private readonly self: Whereabouts,
  ) {}

  /** @throws WritError `invalid_request` for a broker that this hub does not have */
  async create(
    { operations = operationNames, broker = false, ...wish }: InviteWish,
    actor: Actor,
  ): Promise<InviteCreated> {
    const { name, url } = this.self;
    const where = { name, url: url(), broker: broker ? this.broker() : undefined };
    const { invite, line } = await this.invites.create({ ...wish, operations, ...where, actor });
    await this.acts.record({
      act: 'invite.create',
      subject: invite.id,
      actor,
      detail: { ...wish, operations, broker },
    });
    return { ...invite, invite: line };
  }

  private broker(): string {
    const { broker } = this.self;
    if (broker !== undefined) return broker;
    throw new WritError('invalid_request', 'This hub has no broker: set `broker` and start it again.', {
      field: 'broker',
    });
  }

  async list(): Promise<{ invites: readonly Invite[] }> {
    return { invites: await this.invites.list() };
  }

  async revoke(id: string, actor: Actor): Promise<Invite> {
    const invite = await this.invites.revoke(id);
    await this.acts.record({ act: 'invite.revoke', subject: id, actor, detail: {} });
    return invite;
  }
}
