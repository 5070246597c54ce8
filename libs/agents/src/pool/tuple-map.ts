// Warm backends by owner, session and agent: three maps inside each other, because keys that are joined into one string can
// meet (`a:b` + `c`, `a` + `b:c`). [P-7]

/** Whose a backend is: never shared between owners. */
export interface PoolKey {
  readonly owner: string;
  readonly session: string;
  readonly agentId: string;
}

export class TupleMap<T> {
  private readonly owners = new Map<string, Map<string, Map<string, T>>>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  get({ owner, session, agentId }: PoolKey): T | undefined {
    return this.owners.get(owner)?.get(session)?.get(agentId);
  }

  set(key: PoolKey, value: T): void {
    const sessions = this.owners.get(key.owner) ?? new Map<string, Map<string, T>>();
    const agents = sessions.get(key.session) ?? new Map<string, T>();
    if (!agents.has(key.agentId)) this.count += 1;
    this.owners.set(key.owner, sessions.set(key.session, agents.set(key.agentId, value)));
  }

  delete({ owner, session, agentId }: PoolKey): void {
    const sessions = this.owners.get(owner);
    const agents = sessions?.get(session);
    if (!sessions || !agents?.delete(agentId)) return;
    this.count -= 1;
    if (agents.size === 0) sessions.delete(session);
    if (sessions.size === 0) this.owners.delete(owner);
  }

  *values(): Iterable<T> {
    for (const sessions of this.owners.values()) for (const agents of sessions.values()) yield* agents.values();
  }
}
