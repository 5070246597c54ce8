// The typed client of the REST API, for hub and spoke alike; what only one of them has answers `not_found` on the other.
import type { ApiKey, ApiKeyCreate, ApiKeyCreated, BackupMade, InstanceResource, Readiness } from '#protocol';
import { AgentResources, KillResources } from './agents.js';
import { HousekeepingResources } from './housekeeping.js';
import { Http } from './http.js';
import type { ConnectionOptions } from './http.js';
import { QuestionResources } from './questions.js';
import { CommandResources, HubResources, InviteResources, SpokeResources } from './peers.js';
import { AuditResource } from './audit.js';
import { SigningResource } from './signing.js';
import { UsageResource } from './usage.js';

class KeyResources {
  constructor(private readonly http: Http) {}

  /** The secret is in this answer only. */
  async create(body: ApiKeyCreate): Promise<ApiKeyCreated> {
    return (await this.http.call<ApiKeyCreated>({ method: 'POST', path: '/v1/keys', body })).body;
  }

  async list(): Promise<ApiKey[]> {
    return (await this.http.call<{ keys: ApiKey[] }>({ method: 'GET', path: '/v1/keys' })).body.keys;
  }

  async revoke(id: string): Promise<void> {
    await this.http.call({ method: 'DELETE', path: `/v1/keys/${encodeURIComponent(id)}` });
  }
}

/** All methods throw `WritProblem` when the instance refuses and WritError `peer_unavailable` when nothing answers. */
export class RestClient implements AsyncDisposable {
  private readonly http: Http;
  readonly agents: AgentResources;
  readonly kill: KillResources;
  readonly keys: KeyResources;
  readonly invites: InviteResources;
  readonly spokes: SpokeResources;
  readonly commands: CommandResources;
  readonly hubs: HubResources;
  readonly housekeeping: HousekeepingResources;
  readonly questions: QuestionResources;
  readonly usage: UsageResource;
  readonly signing: SigningResource;
  readonly audit: AuditResource;

  /** As the `fetch` of the platform, with the key and the trust of this client; for what has a protocol of its own, MCP. */
  readonly fetch: Http['fetch'];

  constructor(options: ConnectionOptions) {
    this.http = new Http(options);
    this.fetch = this.http.fetch;
    this.agents = new AgentResources(this.http);
    this.kill = new KillResources(this.http);
    this.keys = new KeyResources(this.http);
    this.invites = new InviteResources(this.http);
    this.spokes = new SpokeResources(this.http);
    this.commands = new CommandResources(this.http);
    this.hubs = new HubResources(this.http);
    this.housekeeping = new HousekeepingResources(this.http);
    this.questions = new QuestionResources(this.http);
    this.usage = new UsageResource(this.http);
    this.signing = new SigningResource(this.http);
    this.audit = new AuditResource(this.http);
  }

  /** Who this is, its clock, and what it finds wrong with itself. */
  async instance(): Promise<InstanceResource> {
    return (await this.http.call<InstanceResource>({ method: 'GET', path: '/v1/instance' })).body;
  }

  /** Store and keys in one file on the instance's own machine; a large store takes its time. */
  async backup(): Promise<BackupMade> {
    return (await this.http.call<BackupMade>({ method: 'POST', path: '/v1/backup', waitS: 600 })).body;
  }

  /** Whether the process answers; needs no key. */
  async alive(): Promise<boolean> {
    return (await this.http.call<{ alive: boolean }>({ method: 'GET', path: '/healthz' })).body.alive;
  }

  /** Whether it can do its work, and why not; needs no key. */
  async ready(): Promise<Readiness> {
    return (await this.http.call<Readiness>({ method: 'GET', path: '/readyz', alsoFine: 503 })).body;
  }

  /** Drops all connections; open streams end. */
  close(): Promise<void> {
    return this.http.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
