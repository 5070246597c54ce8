// A real, small gateway in memory: agents are records, output and events are lists that grow when a test says so.
// The REST face, the client and the command line are tried against it over real HTTP.
import { Global, Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { createHash, randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { Readable } from 'node:stream';
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
  OutputPiece,
  RestoreCommand,
  SendCommand,
  Sent,
  SpawnCommand,
  Spawned,
  WentBack,
} from '#api';
import { agentBranch, noUsage, operationNames, WritError } from '#protocol';
import type { Actor, AgentEvent, AgentResource, CheckpointResource, InstanceResource, LatchBody } from '#protocol';
import { Store } from '#store';

interface Entry {
  agent: AgentResource;
  output: string;
  ended: boolean;
}

const now = () => new Date().toISOString();

export class TinyGateway extends Gateway {
  /** How long the last caller of a kill would have waited. */
  killPatienceMs: number | undefined;
  readonly entries = new Map<string, Entry>();
  readonly happened: AgentEvent[] = [];
  readonly callers: Caller[] = [];
  readonly latched: LatchBody[] = [];
  /** Events, from the first on, that are no longer kept. */
  forgotten = 0;
  /** Streams that are being read now. */
  reading = 0;
  /** Pieces of output given out so far. */
  pulled = 0;
  /** Set: the next spawn stays pending under this command id. */
  pendingId?: string;
  /** Set: thrown by the next call. */
  failure?: Error;
  /** Set: kills and bundles are answered no sooner. */
  held?: Promise<void>;
  version = '0.1.0';
  private readonly byKey = new Map<string, string>();
  private readonly grown = new EventEmitter().setMaxListeners(0);

  async spawn(caller: Caller, command: SpawnCommand) {
    this.act(caller);
    if (command.spoke !== undefined) throw new WritError('invalid_request', 'spoke: not here.', { field: 'spoke' });
    if (this.latched.length > 0) throw new WritError('latched', 'The killswitch of this instance is set.');
    const before = command.idempotencyKey === undefined ? undefined : this.byKey.get(command.idempotencyKey);
    if (before !== undefined) return { agent: this.entry(before).agent };
    const { pendingId } = this;
    if (pendingId) return { pending: { commandId: pendingId, spoke: 'far', state: 'pending' as const } };
    const agent = this.begin(command);
    if (command.idempotencyKey !== undefined) this.byKey.set(command.idempotencyKey, agent.agentId);
    return { agent };
  }

  async list({ states, taskId, agentType, cursor, limit }: AgentQuery): Promise<AgentPage> {
    const all = [...this.entries.values()].map((entry) => entry.agent).reverse();
    const from = cursor === undefined ? 0 : all.findIndex((agent) => agent.agentId === cursor) + 1;
    const wanted = all.slice(from).filter((agent) => {
      const inState = !states || states.includes(agent.state);
      return inState && (!taskId || agent.taskId === taskId) && (!agentType || agent.agentType === agentType);
    });
    const agents = wanted.slice(0, limit);
    return wanted.length > limit ? { agents, nextCursor: agents.at(-1)?.agentId } : { agents };
  }

  async ordered() {
    return undefined;
  }

  async orders() {
    return [];
  }

  async get(agentId: string): Promise<AgentResource> {
    if (this.failure) throw this.failure;
    return this.entry(agentId).agent;
  }

  async *output(agentId: string, cursor: string | undefined, signal: AbortSignal): AsyncIterable<OutputPiece> {
    this.reading += 1;
    try {
      let offset = offsetOf(cursor);
      for (;;) {
        const { output, ended } = this.entry(agentId);
        if (offset < output.length || ended) {
          const piece = output.slice(offset, offset + 1_000);
          offset += piece.length;
          const end = ended && offset >= output.length;
          this.pulled += 1;
          yield { cursor: String(offset), text: piece, dropped: 0, end };
          if (end) return;
        } else await once(this.grown, 'more', { signal });
      }
    } finally {
      this.reading -= 1;
    }
  }

  async readOutput(agentId: string, cursor: string | undefined, bytesMax: number): Promise<OutputPiece> {
    const { output, ended } = this.entry(agentId);
    const text = output.slice(offsetOf(cursor), offsetOf(cursor) + bytesMax);
    const next = offsetOf(cursor) + text.length;
    return { cursor: String(next), text, dropped: 0, end: ended && next >= output.length };
  }

  async diff(agentId: string) {
    this.entry(agentId);
    return { text: '--- a/sum.js\n+++ b/sum.js\n@@ -1 +1 @@\n-a - b\n+a + b\n', truncated: false };
  }

  async bundle(agentId: string) {
    this.entry(agentId);
    const bytes = Buffer.from('# v2 git bundle\n');
    const [commit, base] = ['1'.repeat(40), '0'.repeat(40)];
    const sha256 = createHash('sha256').update(bytes).digest('base64url');
    return {
      branch: agentBranch(agentId),
      commit,
      base,
      bytes: bytes.length,
      sha256,
      content: () => Readable.from(this.inTwo(bytes)),
    };
  }

  /** The second half comes when it may. */
  private async *inTwo(bytes: Buffer): AsyncIterable<Buffer> {
    yield bytes.subarray(0, bytes.length / 2);
    await this.held;
    yield bytes.subarray(bytes.length / 2);
  }

  async send(caller: Caller, { agentId, input }: SendCommand): Promise<Sent> {
    this.act(caller);
    const entry = this.entry(agentId);
    const turn = (entry.agent.turns?.taken ?? 1) + 1;
    const times = { startedAt: now(), endedAt: now() };
    const result = { summary: input, items: [] };
    const last = {
      turnId: agentId,
      turn,
      state: 'completed' as const,
      exitReason: 'finished' as const,
      ...times,
      result,
    };
    entry.agent = { ...entry.agent, activity: 'idle', turns: { taken: turn, last } };
    return { turn: { agentId, turnId: agentId, turn } };
  }

  async checkpoints(agentId: string): Promise<CheckpointResource[]> {
    this.entry(agentId);
    return [{ turn: 1, before: 'turn', at: now() }];
  }

  async restore(caller: Caller, { agentId, turn }: RestoreCommand): Promise<WentBack> {
    this.act(caller);
    this.entry(agentId);
    if (turn > 1) throw new WritError('not_found', `There is no checkpoint before turn ${turn}.`, { field: 'to' });
    return { restored: { agentId, turnId: agentId, turn: 2, to: turn, left: 0 } };
  }

  async close(caller: Caller, { agentId, force, reason }: CloseCommand): Promise<Spawned> {
    this.act(caller);
    if (!force) throw new WritError('invalid_transition', 'At risk: 1 uncommitted files.', { field: 'force' });
    this.end(agentId, { state: 'completed', exitReason: 'closed', reason, actor: caller.actor });
    return { agent: this.entry(agentId).agent };
  }

  async kill(caller: Caller, agentId: string, reason: string, waitMs?: number): Promise<KillOutcome> {
    this.act(caller);
    this.killPatienceMs = waitMs;
    await this.held;
    const entry = this.entry(agentId);
    const alreadyEnded = entry.ended;
    if (!alreadyEnded) this.end(agentId, { state: 'killed', exitReason: 'killed', reason, actor: caller.actor });
    const report = { killed: alreadyEnded ? [] : [agentId], alreadyEnded: alreadyEnded ? [agentId] : [] };
    return { report: { ...report, failed: [], survivors: 0 }, pending: [] };
  }

  async killSelected(caller: Caller, { select, reason, dryRun }: KillSelection): Promise<KillOutcome> {
    const { agents } = await this.list({ ...select, limit: 1_000 });
    const meant = agents.map(({ agentId }) => agentId);
    if (!dryRun) for (const id of meant) await this.kill(caller, id, reason);
    return { report: { killed: meant, alreadyEnded: [], failed: [], survivors: 0 }, pending: [] };
  }

  async counts() {
    const total = { spawning: 0, running: 0, completed: 0, failed: 0, killed: 0 };
    for (const { agent } of this.entries.values()) total[agent.state] += 1;
    return { total, spokes: [] };
  }

  async killAll(caller: Caller, { scope, reason }: KillScope): Promise<KillOutcome> {
    this.latched.push({ scope, reason, actor: caller.actor, setAt: now() });
    const live = [...this.entries.values()].filter((entry) => !entry.ended).map((entry) => entry.agent.agentId);
    for (const id of live) await this.kill(caller, id, reason);
    return { report: { killed: live, alreadyEnded: [], failed: [], survivors: 0 }, pending: [] };
  }

  async latches() {
    return this.latched;
  }

  async reset(caller: Caller, { scope }: KillScope) {
    this.act(caller);
    this.latched.splice(0, Infinity, ...this.latched.filter((latch) => latch.scope !== scope));
    return this.latched;
  }

  async eventsEnd() {
    return String(this.happened.length);
  }

  async *events(cursor: string | undefined, signal: AbortSignal): AsyncIterable<EventPiece | EventGap> {
    this.reading += 1;
    try {
      for (let at = offsetOf(cursor); ;) {
        if (at < this.forgotten) {
          const missing = this.forgotten - at;
          yield { cursor: String((at = this.forgotten)), missing };
        }
        const event = this.happened[at];
        if (event) yield { cursor: String(++at), event };
        else await once(this.grown, 'more', { signal });
      }
    } finally {
      this.reading -= 1;
    }
  }

  async instance(): Promise<InstanceResource> {
    const words = ['able', 'acid', 'aunt', 'away', 'axis', 'baby'];
    const checks = [
      { name: 'sandbox', outcome: 'failed' as const, detail: 'No namespaces.', cure: 'apt install bubblewrap' },
      { name: 'store', outcome: 'ok' as const, detail: 'SQLite answers.' },
    ];
    const who = { role: 'spoke' as const, id: 'A'.repeat(43), name: 'tiny', words, version: this.version, time: now() };
    return { ...who, operations: operationNames, checks };
  }

  async ready() {
    return { ready: this.failure === undefined, reasons: this.failure ? ['the store does not answer'] : [] };
  }

  say(agentId: string, text: string): void {
    this.entry(agentId).output += text;
    this.grown.emit('more');
  }

  end(agentId: string, change: Partial<AgentResource> = { state: 'completed', exitReason: 'finished' }): void {
    const entry = this.entry(agentId);
    entry.agent = { ...entry.agent, ...change, endedAt: now() };
    entry.ended = true;
    this.tellEnd(entry.agent, change.actor);
    this.grown.emit('more');
  }

  private tellEnd({ agentId, state, reason = '', exitReason = 'finished', usage }: AgentResource, by?: Actor): void {
    const actor = by ?? { kind: 'system' as const, id: 'tiny' };
    const data = { reason, exitReason, usage, outputBytes: 0, actor, result: { summary: '', items: [] } };
    const type = `agent.${state as 'completed' | 'failed' | 'killed'}` as const;
    this.happened.push({ ...this.about(agentId), type, data });
  }

  private act(caller: Caller): void {
    this.callers.push(caller);
  }

  private entry(agentId: string): Entry {
    const entry = this.entries.get(agentId);
    if (!entry) throw new WritError('not_found', 'There is no agent of that id.');
    return entry;
  }

  private begin({ args }: SpawnCommand): AgentResource {
    const agentId = randomUUID();
    const times = { spawnedAt: now(), startedAt: now() };
    const base = { ...args, agentId, state: 'running' as const, owner: 'local', limits: {}, ...times };
    const agent: AgentResource = { ...base, usage: noUsage, outputBytes: 0 };
    this.entries.set(agentId, { agent, output: '', ended: false });
    this.emit('agent.usage', agentId);
    return agent;
  }

  private about(subject: string) {
    return { specversion: '1.0' as const, id: randomUUID(), source: 'tiny', subject, time: now() };
  }

  /** Appends one event about an agent. */
  emit(type: 'agent.usage' | 'grant.changed', subject: string): void {
    const about = this.about(subject);
    if (type === 'agent.usage') this.happened.push({ ...about, type, data: { usage: noUsage } });
    else this.happened.push({ ...about, type, data: { version: 1 } });
    this.grown.emit('more');
  }
}

function offsetOf(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (!/^\d{1,9}$/.test(cursor))
    throw new WritError('invalid_request', 'cursor: not of this stream.', { field: 'cursor' });
  return Number(cursor);
}

/** The module that `ApiModule` imports: this gateway and a store. */
@Global()
@Module({})
export class TinyModule {
  static of(gateway: TinyGateway, store: Store): DynamicModule {
    const providers = [
      { provide: Gateway, useValue: gateway },
      { provide: Store, useValue: store },
    ];
    return { module: TinyModule, providers, exports: [Gateway, Store] };
  }
}
