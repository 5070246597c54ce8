// What a peer's root said last about its operational keys: the exact statement, whose version only grows. And what ours
// said: both stand in the receipts, so that whatever they signed can be verified later.
import { WritError, type KeyStatement } from '#protocol';
import type { Commit, Key, Put, Store } from '#store';
import type { Receipts } from '../receipts/receipts.js';
import type { Alarms } from './alarms.js';

/** A key statement as it came, verified with the pinned root by the caller. */
export type KnownStatement = Pick<KeyStatement, 'ver' | 'token'>;

const triesMax = 8;

/** Where the statement of a connection's peer is kept. */
export function statementOf(connectionId: string): Key {
  return ['federation', 'statement', connectionId];
}

/** Where the statement is kept that we said last on a connection. */
export function statedOf(connectionId: string): Key {
  return ['federation', 'stated', connectionId];
}

export class PeerKeys {
  constructor(
    private readonly store: Store,
    private readonly alarms: Alarms,
    private readonly receipts: Pick<Receipts, 'record'>,
  ) {}

  /** The write that keeps the statement which came at pairing, for the commit that creates the connection. */
  first(connectionId: string, statement: KnownStatement): Put {
    return { key: statementOf(connectionId), value: kept(statement) };
  }

  /** The statement that was learned last. @throws WritError `not_found`. */
  async latest(connectionId: string): Promise<KnownStatement> {
    const entry = await this.store.get<KnownStatement>(statementOf(connectionId));
    if (!entry) throw new WritError('not_found', 'No connection of that id.');
    return entry.value;
  }

  /**
   * Keeps a verified statement when it is newer; the one already known is fine.
   * @throws WritError `key_invalid` for an older one, or for another one of the same `ver`: both are alarms.
   */
  async learn(connectionId: string, statement: KnownStatement): Promise<void> {
    const key = statementOf(connectionId);
    for (let tries = 0; tries < triesMax; tries += 1) {
      const known = await this.store.get<KnownStatement>(key);
      if (known?.value.token === statement.token) return;
      if (known && known.value.ver >= statement.ver) await this.refuse(connectionId, known.value, statement);
      const checks = [{ key, version: known?.version ?? null }];
      if (await this.keep(connectionId, statement, { checks, puts: [{ key, value: kept(statement) }] })) return;
    }
    throw new WritError('store_unavailable', 'The key statement changes too fast.');
  }

  /** Keeps the statement that we said on this connection, once. */
  async stated(connectionId: string, statement: KnownStatement): Promise<void> {
    const key = statedOf(connectionId);
    const known = await this.store.get<string>(key);
    if (known?.value === statement.token) return;
    const checks = [{ key, version: known?.version ?? null }];
    await this.keep(connectionId, statement, { checks, puts: [{ key, value: statement.token }] });
  }

  private async keep(connectionId: string, { token }: KnownStatement, commit: Commit): Promise<boolean> {
    return (await this.receipts.record(connectionId, [{ kind: 'keys', raw: token }], commit)).ok;
  }

  private async refuse(connection: string, known: KnownStatement, said: KnownStatement): Promise<never> {
    const detail = `A key statement of version ${said.ver} came after version ${known.ver}.`;
    await this.alarms.raise({ kind: 'statement_rollback', connection, detail, evidence: [known.token, said.token] });
    throw new WritError('key_invalid', detail);
  }
}

function kept({ ver, token }: KnownStatement): KnownStatement {
  return { ver, token };
}
