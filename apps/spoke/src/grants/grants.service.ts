// The grants of this spoke: one per connection, versioned, changed only by its own admin.
import { grant as grantSchema, WritError, type Actor, type Grant, type GrantInput, type HeldGrant } from '#protocol';
import { agentEvents } from '#agents';
import type { Commit, Entry, Key, Store } from '#store';
import type { Act, Acts } from '#api';

export type { HeldGrant };

/** Who writes a grant, why, and over which version. */
export interface GrantPen {
  readonly actor: Actor;
  readonly reason?: string;
  /** Only over this version (0 for none); left out, over whatever there is. */
  readonly expected?: number;
}

/** A grant before and after an edit; `before` is undefined for the first one. */
export interface GrantStep {
  readonly before?: HeldGrant;
  readonly after: HeldGrant;
}

/** Every change of a grant, by connection id: replicas of this spoke forget what they knew. */
const changes: Key = ['spoke', 'grant-changes'];
const changesKept = 1_000;

const grantKey = (connectionId: string): Key => ['spoke', 'grants', connectionId];

export class GrantsService {
  /** Grants by connection as last read or written: the guard reads them for every command. */
  private readonly held = new Map<string, HeldGrant>();
  /** Told when a grant has changed, here or in another replica, so that the hub hears of it at once. */
  changed: (connectionId: string) => void = () => undefined;

  constructor(
    private readonly store: Store,
    private readonly acts: Acts,
    private readonly sourceId: string,
  ) {}

  /** @throws WritError `not_found` */
  async get(connectionId: string): Promise<HeldGrant> {
    const held = this.known(connectionId) ?? (await this.find(connectionId));
    if (!held) throw new WritError('not_found', 'This connection has no grant.');
    return held;
  }

  /** As last read or written in this process, without a look at the store. */
  known(connectionId: string): HeldGrant | undefined {
    return this.held.get(connectionId);
  }

  async find(connectionId: string): Promise<HeldGrant | undefined> {
    const entry = await this.read(connectionId);
    if (entry) this.hold(connectionId, entry.value);
    return entry?.value;
  }

  /** Hears of changes by whoever made them, until the signal. @throws StoreError */
  async follow(signal: AbortSignal): Promise<void> {
    const since = await this.store.head(changes);
    this.held.clear();
    for await (const { value, cursor } of this.store.watch<string>(changes, since, signal)) {
      await this.find(value);
      this.changed(value);
      if (cursor % changesKept === 0) await this.store.trim(changes, cursor - changesKept);
    }
  }

  /**
   * Writes the next version with the event that tells the hub and the act that says who did it and why: all or nothing.
   * @throws WritError `invalid_request`, `conflict`
   */
  async set(connectionId: string, input: GrantInput, pen: GrantPen): Promise<GrantStep> {
    const { entry, step } = await this.propose(connectionId, input, pen);
    const done = await this.acts.commit(actOf(connectionId, step, pen), this.next(connectionId, entry, step.after));
    if (!done) return this.set(connectionId, input, pen);
    this.hold(connectionId, step.after);
    return step;
  }

  /** What `set` would do now, without doing it. @throws as `set` */
  async preview(connectionId: string, input: GrantInput, pen: GrantPen): Promise<GrantStep> {
    return (await this.propose(connectionId, input, pen)).step;
  }

  private async propose(connectionId: string, input: GrantInput, { actor, reason, expected }: GrantPen) {
    const grant = compile(input);
    const entry = await this.read(connectionId);
    const before = entry?.value;
    const current = before?.version ?? 0;
    if (expected !== undefined && expected !== current) throw overtaken(current, expected);
    const edited = { at: new Date().toISOString(), actor, ...(reason === undefined ? {} : { reason }) };
    return { entry, step: { ...(before ? { before } : {}), after: { version: current + 1, grant, edited } } };
  }

  /** A look that began before a change never covers it. */
  private hold(connectionId: string, grant: HeldGrant): void {
    if ((this.held.get(connectionId)?.version ?? 0) <= grant.version) this.held.set(connectionId, grant);
  }

  private next(connectionId: string, before: Entry<HeldGrant> | null, next: HeldGrant): Commit {
    const key = grantKey(connectionId);
    return {
      checks: [{ key, version: before?.version ?? null }],
      puts: [{ key, value: next }],
      appends: [
        { stream: changes, value: connectionId },
        ...(before ? [{ stream: agentEvents(connectionId), value: this.event(connectionId, next.version) }] : []),
      ],
    };
  }

  private event(connectionId: string, version: number): unknown {
    const time = new Date().toISOString();
    const id = `grant-${version}`;
    return {
      specversion: '1.0',
      id,
      source: this.sourceId,
      type: 'grant.changed',
      subject: connectionId,
      time,
      data: { version },
    };
  }

  private read(connectionId: string): Promise<Entry<HeldGrant> | null> {
    return this.store.get<HeldGrant>(grantKey(connectionId));
  }
}

function actOf(connectionId: string, { after }: GrantStep, { actor, reason }: GrantPen): Act {
  const { version, grant } = after;
  return { act: 'grant.set', subject: connectionId, actor, detail: { version, grant, reason } };
}

function overtaken(version: number, expected: number): WritError {
  return new WritError('conflict', `The grant is at version ${version} by now, not at ${expected}.`, {
    field: 'If-Match',
  });
}

function compile(input: GrantInput): Grant {
  const parsed = grantSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new WritError('invalid_request', issue?.message ?? 'The grant is not valid.', {
    field: `grant.${issue?.path.join('.') ?? ''}`,
  });
}
