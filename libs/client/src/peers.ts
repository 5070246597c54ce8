// Connections: a hub's invites, spokes and commands; a spoke's hubs and grants.
import type {
  Command,
  CommandListQuery,
  CommandPage,
  ConnectionAct,
  ConnectionClose,
  GrantEdit,
  GrantEdited,
  HeldGrant,
  Hub,
  HubJoin,
  Invite,
  InviteCreate,
  InviteCreated,
  InviteDetails,
  LabelsEdit,
  Spoke,
} from '#protocol';
import type { Http } from './http.js';

const part = encodeURIComponent;

export class InviteResources {
  constructor(private readonly http: Http) {}

  /** The line to hand over is in this answer only. */
  async create(body: InviteCreate = {}): Promise<InviteCreated> {
    return (await this.http.call<InviteCreated>({ method: 'POST', path: '/v1/invites', body })).body;
  }

  async list(): Promise<Invite[]> {
    return (await this.http.call<{ invites: Invite[] }>({ method: 'GET', path: '/v1/invites' })).body.invites;
  }

  async revoke(id: string): Promise<void> {
    await this.http.call({ method: 'DELETE', path: `/v1/invites/${part(id)}` });
  }
}

/** A partner's spokes, as the hub's operator sees them. `ref` is a name or an id. */
export class SpokeResources {
  constructor(private readonly http: Http) {}

  async list(): Promise<Spoke[]> {
    return (await this.http.call<{ spokes: Spoke[] }>({ method: 'GET', path: '/v1/spokes' })).body.spokes;
  }

  async get(ref: string): Promise<Spoke> {
    return (await this.http.call<Spoke>({ method: 'GET', path: `/v1/spokes/${part(ref)}` })).body;
  }

  accept(ref: string, body: ConnectionAct = {}): Promise<Spoke> {
    return this.act(ref, 'accept', body);
  }

  refuse(ref: string, body: ConnectionAct = {}): Promise<Spoke> {
    return this.act(ref, 'refuse', body);
  }

  suspend(ref: string, body: ConnectionAct = {}): Promise<Spoke> {
    return this.act(ref, 'suspend', body);
  }

  resume(ref: string, body: ConnectionAct = {}): Promise<Spoke> {
    return this.act(ref, 'resume', body);
  }

  close(ref: string, body: ConnectionClose = {}): Promise<Spoke> {
    return this.act(ref, 'close', body);
  }

  /** In place of those it had. */
  async label(ref: string, body: LabelsEdit): Promise<Spoke> {
    const call = { method: 'PUT', path: `/v1/spokes/${part(ref)}/labels`, body, repeatable: true } as const;
    return (await this.http.call<Spoke>(call)).body;
  }

  private async act(ref: string, act: string, body: unknown): Promise<Spoke> {
    return (await this.http.call<Spoke>({ method: 'POST', path: `/v1/spokes/${part(ref)}/${act}`, body })).body;
  }
}

export class CommandResources {
  constructor(private readonly http: Http) {}

  /** One page, newest first. */
  async list(query: CommandListQuery = {}): Promise<CommandPage> {
    return (await this.http.call<CommandPage>({ method: 'GET', path: '/v1/commands', query: { ...query } })).body;
  }

  async get(id: string): Promise<Command> {
    return (await this.http.call<Command>({ method: 'GET', path: `/v1/commands/${part(id)}` })).body;
  }
}

/** Which version an edit replaces, whatever it is when left out; and whether it is only to be looked at. */
export interface GrantOver {
  readonly version?: number;
  readonly dryRun?: boolean;
}

/** The hubs of a spoke, as its admin sees them. `ref` is a name, an id or a connection id. */
export class HubResources {
  constructor(private readonly http: Http) {}

  /** Reads an invite without sending anything to its hub. */
  async inspect(invite: string): Promise<InviteDetails> {
    const call = { method: 'POST', path: '/v1/hubs/inspect', body: { invite }, repeatable: true } as const;
    return (await this.http.call<InviteDetails>(call)).body;
  }

  async join(body: HubJoin): Promise<Hub> {
    return (await this.http.call<Hub>({ method: 'POST', path: '/v1/hubs', body })).body;
  }

  async list(): Promise<Hub[]> {
    return (await this.http.call<{ hubs: Hub[] }>({ method: 'GET', path: '/v1/hubs' })).body.hubs;
  }

  async get(ref: string): Promise<Hub> {
    return (await this.http.call<Hub>({ method: 'GET', path: `/v1/hubs/${part(ref)}` })).body;
  }

  async grant(ref: string): Promise<HeldGrant> {
    return (await this.http.call<HeldGrant>({ method: 'GET', path: `/v1/hubs/${part(ref)}/grant` })).body;
  }

  /** With `version`, refused when another edit came between; then a retry would not be the same request. `dryRun` changes nothing. */
  async setGrant(ref: string, body: GrantEdit, { version, dryRun }: GrantOver = {}): Promise<GrantEdited> {
    const call = {
      method: 'PUT',
      path: `/v1/hubs/${part(ref)}/grant`,
      ...{ body, query: { dryRun } },
      headers: { 'if-match': version === undefined ? '*' : `"${version}"` },
      repeatable: version === undefined || dryRun === true,
    } as const;
    return (await this.http.call<GrantEdited>(call)).body;
  }

  suspend(ref: string, body: ConnectionAct = {}): Promise<Hub> {
    return this.act(ref, 'suspend', body);
  }

  resume(ref: string, body: ConnectionAct = {}): Promise<Hub> {
    return this.act(ref, 'resume', body);
  }

  close(ref: string, body: ConnectionClose = {}): Promise<Hub> {
    return this.act(ref, 'close', body);
  }

  private async act(ref: string, act: string, body: unknown): Promise<Hub> {
    return (await this.http.call<Hub>({ method: 'POST', path: `/v1/hubs/${part(ref)}/${act}`, body })).body;
  }
}
