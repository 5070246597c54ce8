// Agents, their output and what happens to them; alike on hub and spoke.
import { randomUUID } from 'node:crypto';
import { WritError } from '#protocol';
import type {
  AgentCountsResource,
  AgentEvent,
  AgentListQuery,
  AgentPageResource,
  AgentReport,
  AgentResource,
  BundleFacts,
  CheckpointResource,
  KillBody,
  KillOutcomeResource,
  KillSelected,
  Labels,
  LatchBody,
  PoolResource,
  Restored,
  SpawnRequestBody,
  TurnTaken,
} from '#protocol';
import type { Http } from './http.js';
import { resuming } from './sse.js';

/** `waitS`: seconds to wait for the peer's signed answer, 5 by default and 60 at most. */
export interface SpawnOptions {
  /** Made by the client when left out, so that a retry never makes a second agent. */
  readonly idempotencyKey?: string;
  readonly waitS?: number;
}

/** A command that no peer has answered yet. */
export interface Pending {
  readonly commandId: string;
  readonly agentId?: string;
  readonly spoke: string;
  readonly state: 'pending';
}

export type SpawnAnswer = { readonly agent: AgentResource } | { readonly pending: Pending };

export type SendAnswer = { readonly turn: TurnTaken } | { readonly pending: Pending };

export type RestoreAnswer = { readonly restored: Restored } | { readonly pending: Pending };

/** `cursor` goes on after this piece. */
export interface Output {
  readonly cursor: string;
  readonly text: string;
  readonly dropped: number;
  readonly end: boolean;
}

/** A branch as a git bundle, on its way. */
export interface BundleDownload extends BundleFacts {
  readonly content: AsyncIterable<Uint8Array>;
}

/** An event and, on a hub, the spoke it came from. */
export interface Happened {
  readonly cursor: string;
  readonly event: AgentEvent;
  readonly spoke?: string;
}

/** Entries before the next event that the instance no longer keeps; on a hub: of which spoke. */
export interface Missed {
  readonly missing: number;
  readonly spoke?: string;
}

function refuse({ missing }: Missed): never {
  throw new WritError('not_found', `${missing} events after this cursor are no longer kept; read what there is anew.`);
}

/** As `GET /v1/agents` takes it, with labels as an object. */
export type ListQuery = Omit<AgentListQuery, 'label' | 'live'> & { readonly label?: Labels; readonly live?: boolean };

const waitSDefault = 5;
/** A kill is answered when nothing lives any more: after the grace that a spoke gives (10 s by default) and a look. */
const killWaitSDefault = 15;
/** A hub answers when it has all of the bundle. */
const bundleWaitS = 600;
const at = (id: string) => `/v1/agents/${encodeURIComponent(id)}`;

export class AgentResources {
  constructor(private readonly http: Http) {}

  async spawn(body: SpawnRequestBody, options: SpawnOptions = {}): Promise<SpawnAnswer> {
    const { idempotencyKey = randomUUID(), waitS = waitSDefault } = options;
    const call = { method: 'POST', path: '/v1/agents', body, waitS, repeatable: true } as const;
    const headers = { 'idempotency-key': idempotencyKey };
    const answer = await this.http.call<AgentResource | Pending>({ ...call, headers });
    return answer.status === 202 ? { pending: answer.body as Pending } : { agent: answer.body as AgentResource };
  }

  /** One page, newest first. */
  async list(query: ListQuery = {}): Promise<AgentPageResource> {
    return (await this.http.call<AgentPageResource>({ method: 'GET', path: '/v1/agents', query: queryOf(query) })).body;
  }

  /** By state; on a hub by spoke too. */
  async counts(): Promise<AgentCountsResource> {
    return (await this.http.call<AgentCountsResource>({ method: 'GET', path: '/v1/agents/counts' })).body;
  }

  /** All of them, page by page as they are asked for. */
  async *all(query: ListQuery = {}): AsyncIterable<AgentResource> {
    let { cursor } = query;
    do {
      const page = await this.list({ limit: 200, ...query, cursor });
      yield* page.agents;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }

  async get(id: string): Promise<AgentResource> {
    return (await this.http.call<AgentResource>({ method: 'GET', path: at(id) })).body;
  }

  /** Output from a cursor on as it comes, over cuts and restarts, until its end or the signal. */
  async *output(id: string, cursor?: string, signal?: AbortSignal): AsyncIterable<Output> {
    const call = { method: 'GET', path: `${at(id)}/output`, signal } as const;
    for await (const { data } of resuming(this.http, call, cursor)) yield data as Output;
  }

  /** What is there now, 256 KiB at most; go on with its `cursor`. */
  async readOutput(id: string, cursor?: string): Promise<Output> {
    const query = { follow: false, cursor };
    return (await this.http.call<Output>({ method: 'GET', path: `${at(id)}/output`, query })).body;
  }

  async diff(id: string): Promise<{ text: string; truncated: boolean }> {
    return (await this.http.call<{ text: string; truncated: boolean }>({ method: 'GET', path: `${at(id)}/diff` })).body;
  }

  /** What it reports: findings, verdict, gates. @throws WritProblem `not_found` while there is nothing */
  async report(id: string): Promise<AgentReport> {
    return (await this.http.call<AgentReport>({ method: 'GET', path: `${at(id)}/report` })).body;
  }

  /**
   * Its branch as a git bundle. What it is stands before its bytes, which nobody has checked on this side: compare their hash.
   * A hub fetches it from the spoke first.
   */
  async bundle(id: string, signal?: AbortSignal): Promise<BundleDownload> {
    const accept = { accept: 'application/x-git-bundle, application/problem+json' };
    const call = { method: 'GET', path: `${at(id)}/bundle`, headers: accept, waitS: bundleWaitS, signal } as const;
    const { headers, body } = await this.http.download(call);
    const said = (name: string) => String(headers[name]);
    const [commit, base, sha256] = ['writ-commit', 'writ-base', 'writ-sha256'].map(said) as [string, string, string];
    return { commit, base, sha256, bytes: Number(said('content-length')), content: body };
  }

  /** Another turn of a session. A key is made when left out, so that a retry never makes a second turn. */
  async send(id: string, input: string, options: SpawnOptions = {}): Promise<SendAnswer> {
    const { idempotencyKey = randomUUID(), waitS = waitSDefault } = options;
    const call = { method: 'POST', path: `${at(id)}/turns`, body: { input }, waitS, repeatable: true } as const;
    const headers = { 'idempotency-key': idempotencyKey };
    const answer = await this.http.call<TurnTaken | Pending>({ ...call, headers });
    return answer.status === 202 ? { pending: answer.body as Pending } : { turn: answer.body as TurnTaken };
  }

  /** What a session can go back to, oldest first. */
  async checkpoints(id: string): Promise<CheckpointResource[]> {
    const call = { method: 'GET', path: `${at(id)}/checkpoints` } as const;
    return (await this.http.call<{ checkpoints: CheckpointResource[] }>(call)).body.checkpoints;
  }

  /** Files and conversation as before a turn. A key is made when left out, so that a retry is not done twice. */
  async restore(
    id: string,
    body: { turn: number; reason?: string },
    options: SpawnOptions = {},
  ): Promise<RestoreAnswer> {
    const { idempotencyKey = randomUUID(), waitS = waitSDefault } = options;
    const call = { method: 'POST', path: `${at(id)}/restore`, body, waitS, repeatable: true } as const;
    const headers = { 'idempotency-key': idempotencyKey };
    const answer = await this.http.call<Restored | Pending>({ ...call, headers });
    return answer.status === 202 ? { pending: answer.body as Pending } : { restored: answer.body as Restored };
  }

  /** Ends a session. Safe to repeat: closing an ended agent is no error. */
  async close(
    id: string,
    query: { force?: boolean; reason?: string } = {},
    waitS = waitSDefault,
  ): Promise<SpawnAnswer> {
    const call = { method: 'DELETE', path: at(id), query, waitS } as const;
    const answer = await this.http.call<AgentResource | Pending>(call);
    return answer.status === 202 ? { pending: answer.body as Pending } : { agent: answer.body as AgentResource };
  }

  /** What a spoke keeps warm between turns. */
  async pool(): Promise<PoolResource> {
    return (await this.http.call<PoolResource>({ method: 'GET', path: '/v1/pool' })).body;
  }

  /** Safe to repeat: killing an ended agent is no error. */
  async kill(id: string, reason: string, waitS = killWaitSDefault): Promise<KillOutcomeResource> {
    const call = { method: 'POST', path: `${at(id)}/kill`, body: { reason }, waitS, repeatable: true } as const;
    return (await this.http.call<KillOutcomeResource>(call)).body;
  }

  /** All live agents that fit. Safe to repeat; with `dryRun` nothing is killed. */
  async killSelected(body: KillSelected, waitS = killWaitSDefault): Promise<KillOutcomeResource> {
    const call = { method: 'POST', path: '/v1/agents/kill', body, waitS, repeatable: true } as const;
    return (await this.http.call<KillOutcomeResource>(call)).body;
  }

  /**
   * Everything that happens, from the beginning, after a cursor or from now on, until the signal. `missed` hears of what is no longer kept;
   * without it that is an error, so that nobody takes what is left for everything. @throws WritError `not_found`
   */
  async *events(
    after?: string | { readonly from: 'now' },
    signal?: AbortSignal,
    missed: (gap: Missed) => void = refuse,
  ): AsyncIterable<Happened> {
    const [cursor, query] = typeof after === 'object' ? [undefined, after] : [after, {}];
    const call = { method: 'GET', path: '/v1/events', query, signal } as const;
    for await (const { id, event, data } of resuming(this.http, call, cursor)) {
      if (event === 'gap') missed(data as Missed);
      else if (event !== 'from') yield { ...(data as Omit<Happened, 'cursor'>), cursor: id };
    }
  }
}

/** Labels as the query has them: `key=value`, with commas. */
function queryOf({ label, ...query }: ListQuery) {
  const pairs = Object.entries(label ?? {}).map(([key, value]) => `${key}=${value}`);
  return { ...query, ...(pairs.length > 0 ? { label: pairs.join(',') } : {}) };
}

export class KillResources {
  constructor(private readonly http: Http) {}

  /** Sets the latch of the scope and kills all that lives under it. Safe to repeat. */
  async all(body: KillBody, waitS = killWaitSDefault): Promise<KillOutcomeResource> {
    const call = { method: 'POST', path: '/v1/kill', body, waitS, repeatable: true } as const;
    return (await this.http.call<KillOutcomeResource>(call)).body;
  }

  /** Clears the latch of the scope; answers with those that remain. */
  async reset(body: KillBody): Promise<LatchBody[]> {
    const call = { method: 'POST', path: '/v1/kill/reset', body, repeatable: true } as const;
    return (await this.http.call<{ latches: LatchBody[] }>(call)).body.latches;
  }

  async latches(): Promise<LatchBody[]> {
    return (await this.http.call<{ latches: LatchBody[] }>({ method: 'GET', path: '/v1/kill' })).body.latches;
  }
}
