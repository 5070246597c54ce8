// What a spoke's admin does about hubs: look at an invite, join under a grant, change the grant, suspend, resume, close.
import { grantChanges } from '#protocol';
import type { Actor, Grant, GrantEdited, HeldGrant, Hub, InviteDetails } from '#protocol';
import type { Acts } from '#api';
import type { Connection, Connections, Directory, JoinRequest, JournalView, Pairing } from '#federation';
import type { GrantsService } from '../grants/grants.service.js';

interface JoinWish {
  readonly invite: string;
  readonly grant: Grant;
  /** How this spoke calls the hub. */
  readonly name?: string;
}

/** A grant to be, and why; with `expected` only over that version, with `dryRun` only to see what it would change. */
interface GrantWish extends Why {
  readonly grant: Grant;
  readonly expected?: number;
  readonly dryRun: boolean;
}

/** What goes on over a connection: how many of its agents are alive, and where its journal stands. */
interface Pulse {
  readonly live: (connectionId: string) => Promise<number>;
  readonly journal: (connectionId: string) => Promise<JournalView | undefined>;
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
    private readonly pulse: Pulse,
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
    await this.grants.set(connection.id, grant, { actor });
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

  async grant(ref: string): Promise<HeldGrant> {
    return this.grants.get((await this.directory.find(ref)).id);
  }

  /** @throws WritError `conflict` when somebody changed the grant meanwhile */
  async setGrant(ref: string, { grant, reason, expected, dryRun }: GrantWish, actor: Actor): Promise<GrantEdited> {
    const connection = await this.directory.find(ref);
    const pen = { actor, reason, expected };
    const { before, after } = await (dryRun
      ? this.grants.preview(connection.id, grant, pen)
      : this.grants.set(connection.id, grant, pen));
    const agents = await this.pulse.live(connection.id);
    const changes = before ? grantChanges(before.grant, after.grant) : [];
    const running = { agents, words: runningWords(agents, connection.peer.name) };
    return { ...after, version: dryRun ? (before?.version ?? 1) : after.version, dryRun, changes, running };
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
    const held = await this.grants.find(connection.id);
    const grant = held && { version: held.version, grant: held.grant };
    const journal = await this.pulse.journal(connection.id);
    return { ...this.directory.describe(connection), ...(journal ? { journal } : {}), ...(grant ? { grant } : {}) };
  }
}

function runningWords(agents: number, hub: string): string {
  if (agents === 0) return 'None of its agents runs now.';
  return `${agents} of its agents run now. They keep the limits, the sandbox and the branch to push to that they were spawned with; what is marked at_once reaches them too. To stop them: writ kill --all --scope hub:${hub}.`;
}
