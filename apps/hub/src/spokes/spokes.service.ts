// What a hub's operator does about spokes: look, accept, refuse, suspend, resume, close; each act with who and why.
import type { Actor, GrantVersion, Labels, Spoke } from '#protocol';
import type { Acts } from '#api';
import type { Connection, Connections, Directory, JournalInbox } from '#federation';
import type { Fleet } from '../fleet/fleet.js';

interface Why {
  readonly reason?: string;
}

/** The grant as the spoke's last hello stated it. */
export type StatedGrant = (connectionId: string) => GrantVersion | undefined;

export class SpokesService {
  constructor(
    private readonly connections: Connections,
    private readonly directory: Directory,
    private readonly fleet: Fleet,
    private readonly stated: StatedGrant,
    private readonly acts: Acts,
    private readonly inbox: Pick<JournalInbox, 'view'>,
  ) {}

  async list(): Promise<{ spokes: readonly Spoke[] }> {
    const all = await this.directory.all();
    return { spokes: await Promise.all(all.map((connection) => this.shown(connection))) };
  }

  async get(ref: string): Promise<Spoke> {
    return this.shown(await this.find(ref));
  }

  accept(ref: string, actor: Actor, why: Why): Promise<Spoke> {
    return this.act('spoke.accept', ref, actor, why, ({ id }) => this.connections.accept(id));
  }

  refuse(ref: string, actor: Actor, why: Why): Promise<Spoke> {
    return this.act('spoke.refuse', ref, actor, why, ({ id }) => this.connections.close(id, { agents: 'kill' }));
  }

  suspend(ref: string, actor: Actor, why: Why): Promise<Spoke> {
    return this.act('spoke.suspend', ref, actor, why, ({ id }) => this.connections.suspend(id));
  }

  resume(ref: string, actor: Actor, why: Why): Promise<Spoke> {
    return this.act('spoke.resume', ref, actor, why, ({ id }) => this.connections.resume(id));
  }

  close(ref: string, actor: Actor, how: Why & { readonly agents: 'keep' | 'kill' }): Promise<Spoke> {
    return this.act('spoke.close', ref, actor, how, ({ id }) => this.connections.close(id, { agents: how.agents }));
  }

  label(ref: string, actor: Actor, { labels, ...why }: Why & { readonly labels: Labels }): Promise<Spoke> {
    return this.act('spoke.label', ref, actor, { ...why, labels }, ({ id }) => this.connections.label(id, labels));
  }

  private async act(
    act: string,
    ref: string,
    actor: Actor,
    why: Why & { readonly labels?: Labels },
    turn: (c: Connection) => Promise<Connection>,
  ): Promise<Spoke> {
    const after = await turn(await this.find(ref));
    await this.acts.record({ act, subject: after.id, actor, detail: why });
    return this.shown(after);
  }

  private find(ref: string): Promise<Connection> {
    return this.directory.find(ref, 'spoke_unknown');
  }

  private async shown(connection: Connection): Promise<Spoke> {
    const grant = this.stated(connection.id);
    const journal = await this.inbox.view(connection.id);
    const more = { labels: { ...connection.labels }, liveAgents: this.fleet.live(connection.id) };
    const known = { ...(journal ? { journal } : {}), ...(grant ? { grant } : {}) };
    return { ...this.directory.describe(connection), ...more, ...known };
  }
}
