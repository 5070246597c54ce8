// What a spoke's admin does about hubs: look at an invite, join under a grant, change the grant, suspend, resume, close.
import type { Actor, Grant, GrantVersion, Hub, InviteDetails } from '#protocol';
import type { Acts } from '#api';
import type { Connection, Connections, Directory, JoinRequest, Pairing } from '#federation';
import type { GrantsService } from '../grants/grants.service.js';

interface JoinWish {
  readonly invite: string;
  readonly grant: Grant;
  /** How this spoke calls the hub. */
  readonly name?: string;
}

interface Why {
  readonly reason?: string;
}

export class HubsService {
  constructor(
    private readonly pairing: Pairing,
    private readonly connections: Connections,
    private readonly directory: Directory,
    private readonly grants: GrantsService,
    private readonly acts: Acts,
    /** Our own name, and how the hub is to reach us. */
    private readonly self: Pick<JoinRequest, 'name' | 'link'>,
  ) {}

  inspect(line: string): InviteDetails {
    const { hub, words, operations, expiresAt } = this.pairing.inspect(line);
    return { ...hub, words: words.split(' '), operations: [...operations], expiresAt };
  }

  /** The grant is there before the hub can accept, so that no command ever meets a connection without one. */
  async join({ invite, grant, name }: JoinWish, actor: Actor): Promise<Hub> {
    const { connection } = await this.pairing.join(invite, {
      ...this.self,
      ...(name === undefined ? {} : { hubName: name }),
    });
    await this.grants.set(connection.id, grant, actor);
    await this.note('hub.join', connection, actor, {});
    return this.shown(connection);
  }

  async list(): Promise<{ hubs: readonly Hub[] }> {
    const all = await this.directory.all();
    return { hubs: await Promise.all(all.map((connection) => this.shown(connection))) };
  }

  async get(ref: string): Promise<Hub> {
    return this.shown(await this.directory.find(ref));
  }

  async grant(ref: string): Promise<GrantVersion> {
    return this.grants.get((await this.directory.find(ref)).id);
  }

  /** With a `version`, only when nobody changed the grant meanwhile. @throws WritError `invalid_transition` */
  async setGrant(
    ref: string,
    { grant, version }: { grant: Grant; version?: number },
    actor: Actor,
  ): Promise<GrantVersion> {
    const { id } = await this.directory.find(ref);
    return this.grants.set(id, grant, actor, version);
  }

  async suspend(ref: string, actor: Actor, why: Why): Promise<Hub> {
    return this.act('hub.suspend', ref, actor, why, ({ id }) => this.connections.suspend(id));
  }

  async resume(ref: string, actor: Actor, why: Why): Promise<Hub> {
    return this.act('hub.resume', ref, actor, why, ({ id }) => this.connections.resume(id));
  }

  async close(ref: string, actor: Actor, how: Why & { readonly agents: 'keep' | 'kill' }): Promise<Hub> {
    return this.act('hub.close', ref, actor, how, ({ id }) => this.connections.close(id, { agents: how.agents }));
  }

  private async act(
    act: string,
    ref: string,
    actor: Actor,
    why: Why,
    turn: (c: Connection) => Promise<Connection>,
  ): Promise<Hub> {
    const after = await turn(await this.directory.find(ref));
    await this.note(act, after, actor, why);
    return this.shown(after);
  }

  private note(act: string, { id }: Connection, actor: Actor, detail: object): Promise<void> {
    return this.acts.record({ act, subject: id, actor, detail });
  }

  private async shown(connection: Connection): Promise<Hub> {
    const grant = await this.grants.find(connection.id);
    return { ...this.directory.describe(connection), ...(grant ? { grant } : {}) };
  }
}
