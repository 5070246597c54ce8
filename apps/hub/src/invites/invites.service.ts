// Makes and revokes invites under this hub's name and address, and writes down who did.
import { operationNames, type Actor, type Invite, type InviteCreated, type OperationName } from '#protocol';
import type { Acts } from '#api';
import type { Invites } from '#federation';

/** What an invite asks for; the defaults are the schema's. */
interface InviteWish {
  readonly operations?: readonly OperationName[];
  readonly expiresInS: number;
  readonly unattended: boolean;
}

export class InvitesService {
  constructor(
    private readonly invites: Invites,
    private readonly acts: Acts,
    private readonly name: string,
    /** Known only once the hub listens. */
    private readonly url: () => string,
  ) {}

  async create({ operations = operationNames, ...wish }: InviteWish, actor: Actor): Promise<InviteCreated> {
    const { invite, line } = await this.invites.create({
      ...wish,
      operations,
      name: this.name,
      url: this.url(),
      actor,
    });
    await this.acts.record({ act: 'invite.create', subject: invite.id, actor, detail: { ...wish, operations } });
    return { ...invite, invite: line };
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
