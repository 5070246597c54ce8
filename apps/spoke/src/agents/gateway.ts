// The spoke's own door for REST: what a hub answers over its fleet, a spoke answers over its own agents.
import { randomUUID } from 'node:crypto';
import { agentBranch, agentIdOf, mergedKills, WritError, type KillReport } from '#protocol';
import { agentEvents, type Agents } from '#agents';
import { Gateway } from '#api';
import type {
  AgentPage,
  AgentQuery,
  Caller,
  CloseCommand,
  EventGap,
  EventPiece,
  KillOutcome,
  KillScope,
  KillSelection,
  LatchResource,
  OutputPiece,
  RestoreCommand,
  SendCommand,
  Sent,
  SpawnCommand,
  Spawned,
  WentBack,
} from '#api';
import type { AgentEvent } from '#protocol';
import { endOfMany, watchMany, type Key, type Store } from '#store';
import type { Acts } from '#api';
import type { Directory } from '#federation';
import { namingPush, permitOf } from './push.js';
import type { InstanceView } from '../instance.js';

/** The owner of agents that this spoke's own people spawn. */
export const local = 'local';

const alone = (report: KillReport): KillOutcome => ({ report, pending: [] });

/** Agents that one selection kills at once. */
const selectedMax = 1_000;

export interface SpokeParts {
  readonly agents: Agents;
  readonly store: Store;
  readonly acts: Acts;
  readonly view: InstanceView;
  readonly directory: Directory;
  /** Owners whose agents this spoke has or had: itself and every connection. */
  readonly owners: () => Promise<readonly string[]>;
  /** Branches of a repository that its own people's agents may push to. */
  readonly pushable: (repository: string) => readonly string[];
}

export class SpokeGateway extends Gateway {
  constructor(private readonly spoke: SpokeParts) {
    super();
  }

  async spawn({ actor }: Caller, { spoke, args: asked, idempotencyKey }: SpawnCommand): Promise<Spawned> {
    if (spoke !== undefined)
      throw new WritError('invalid_request', 'A spoke spawns on itself; only a hub takes `spoke`.', { field: 'spoke' });
    const idk = idempotencyKey === undefined ? {} : { idk: idempotencyKey };
    const agentId = idempotencyKey === undefined ? randomUUID() : agentIdOf(local, idempotencyKey);
    const args = namingPush(asked, agentId);
    const push = permitOf(args, this.spoke.pushable(args.context.repository));
    return { agent: await this.spoke.agents.spawn({ owner: local, actor, args, agentId, ...idk, ...push }) };
  }

  async list({ states, taskId, cursor, limit, agentType, ...hubs }: AgentQuery): Promise<AgentPage> {
    refuseHubs(hubs);
    const { agents, next } = await this.spoke.agents.list({ states, taskId, agentType, after: cursor, limit });
    return { agents, nextCursor: next };
  }

  async counts() {
    return { total: await this.spoke.agents.counts(), spokes: [] };
  }

  get(agentId: string) {
    return this.spoke.agents.get(agentId);
  }

  /** What is asked of a spoke is done there and then. */
  ordered() {
    return Promise.resolve(undefined);
  }

  orders() {
    return Promise.resolve([]);
  }

  async *output(agentId: string, cursor: string | undefined, signal: AbortSignal): AsyncIterable<OutputPiece> {
    for await (const { next, text, dropped, end } of this.spoke.agents.follow(agentId, offsetOf(cursor), signal))
      yield { cursor: String(next), text, dropped, end };
  }

  async readOutput(agentId: string, cursor: string | undefined, bytesMax: number): Promise<OutputPiece> {
    const { next, text, dropped, end } = await this.spoke.agents.output(agentId, offsetOf(cursor), bytesMax);
    return { cursor: String(next), text, dropped, end };
  }

  diff(agentId: string) {
    return this.spoke.agents.diff(agentId);
  }

  async bundle(agentId: string) {
    return { branch: agentBranch(agentId), ...(await this.spoke.agents.bundle(agentId)) };
  }

  async send({ actor }: Caller, { agentId, input, idempotencyKey: idk }: SendCommand): Promise<Sent> {
    const turnId = idk === undefined ? randomUUID() : agentIdOf(local, idk);
    return { turn: await this.spoke.agents.send({ agentId, actor, turnId, input, ...(idk ? { idk } : {}) }) };
  }

  checkpoints(agentId: string) {
    return this.spoke.agents.checkpoints(agentId);
  }

  async restore({ actor }: Caller, command: RestoreCommand): Promise<WentBack> {
    const { agentId, turn: to, reason, idempotencyKey: idk } = command;
    await this.spoke.acts.record({ act: 'agent.restore', subject: agentId, actor, detail: { to, reason } });
    const turnId = idk === undefined ? randomUUID() : agentIdOf(local, idk);
    const wish = { agentId, actor, turnId, to, reason, ...(idk ? { idk } : {}) };
    return { restored: await this.spoke.agents.restore(wish) };
  }

  async close({ actor }: Caller, { agentId, force, reason }: CloseCommand): Promise<Spawned> {
    if (force) await this.spoke.acts.record({ act: 'agent.close', subject: agentId, actor, detail: { reason, force } });
    return { agent: await this.spoke.agents.closeSession({ agentId, actor, reason, force }) };
  }

  async kill({ actor }: Caller, agentId: string, reason: string): Promise<KillOutcome> {
    await this.spoke.acts.record({ act: 'agent.kill', subject: agentId, actor, detail: { reason } });
    return alone(await this.spoke.agents.kill(agentId, actor, reason));
  }

  /** Everything live is looked at once; what is spawned meanwhile is not meant. */
  async killSelected({ actor }: Caller, { select, reason, dryRun }: KillSelection): Promise<KillOutcome> {
    const { states, taskId, agentType, ...hubs } = select;
    refuseHubs(hubs);
    const { agents } = await this.spoke.agents.list({ states, taskId, agentType, limit: selectedMax + 1 });
    if (agents.length > selectedMax)
      throw new WritError('too_large', `One selection kills ${selectedMax} agents at most.`, { field: 'select' });
    const meant = agents.map(({ agentId }) => agentId);
    if (dryRun) return alone({ killed: meant, alreadyEnded: [], failed: [], survivors: 0 });
    const detail = { select, reason, agents: meant.length };
    await this.spoke.acts.record({ act: 'kill.selected', subject: taskId ?? 'spoke', actor, detail });
    return alone(mergedKills(await Promise.all(meant.map((id) => this.spoke.agents.kill(id, actor, reason)))));
  }

  async killAll({ actor }: Caller, { scope, reason }: KillScope): Promise<KillOutcome> {
    const owner = await this.ownerOf(scope);
    await this.spoke.acts.record({ act: 'kill.all', subject: scope, actor, detail: { reason } });
    return alone(await this.spoke.agents.killAll(owner, actor, reason));
  }

  async latches(): Promise<readonly LatchResource[]> {
    const latches = await this.spoke.agents.latches();
    return latches.map(({ scope, ...latch }) => ({ ...latch, scope: scope === 'all' ? scope : `hub:${scope}` }));
  }

  async reset({ actor }: Caller, { scope, reason }: KillScope): Promise<readonly LatchResource[]> {
    await this.spoke.agents.reset(await this.ownerOf(scope), actor, reason);
    await this.spoke.acts.record({ act: 'kill.reset', subject: scope, actor, detail: { reason } });
    return this.latches();
  }

  async eventsEnd() {
    return endOfMany(this.spoke.store, await this.streams());
  }

  async *events(cursor: string | undefined, signal: AbortSignal): AsyncIterable<EventPiece | EventGap> {
    const streams = () => this.streams();
    for await (const piece of watchMany<AgentEvent>(this.spoke.store, streams, cursor, signal))
      yield 'missing' in piece
        ? { cursor: piece.cursor, missing: piece.missing }
        : { cursor: piece.cursor, event: piece.value };
  }

  instance() {
    return this.spoke.view.instance();
  }

  ready() {
    return this.spoke.view.ready();
  }

  private async streams(): Promise<Key[]> {
    return (await this.spoke.owners()).map(agentEvents);
  }

  /** `all`, or `hub:` and a hub's name or connection id. */
  private async ownerOf(scope: string): Promise<string> {
    if (scope === 'all') return scope;
    if (scope.startsWith('hub:')) return (await this.spoke.directory.find(scope.slice('hub:'.length))).id;
    throw new WritError('invalid_request', 'On a spoke the scope is `all` or `hub:<name or connection id>`.', {
      field: 'scope',
    });
  }
}

function refuseHubs({ spoke, labels }: Pick<AgentQuery, 'spoke' | 'labels'>): void {
  const field = spoke === undefined ? labels && 'label' : 'spoke';
  if (field) throw new WritError('invalid_request', `Only a hub selects by \`${field}\`.`, { field });
}

function offsetOf(cursor: string | undefined): number {
  const offset = Number(cursor ?? 0);
  if (Number.isSafeInteger(offset) && offset >= 0) return offset;
  throw new WritError('invalid_request', 'The cursor is not one of this output.', { field: 'cursor' });
}
