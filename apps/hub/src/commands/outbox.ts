// The hub's memory of what it ordered: a record per command, committed before anything is signed.
import { isDeepStrictEqual } from 'node:util';
import { WritError } from '#protocol';
import type { Check, Key, Store } from '#store';
import { isSettled, type CommandRecord } from './command.js';

/** Ids begin with their time, and hex keeps the order of bytes: the newest command is the last key. */
const recordKey = (commandId: string): Key => [
  'commands',
  'record',
  Buffer.from(commandId, 'base64url').toString('hex'),
];
const openKey = (commandId: string): Key => ['commands', 'open', commandId];
const agentKey = (agentId: string): Key => ['commands', 'agent', agentId];
const idkKey = ({ connectionId, idk }: Pick<CommandRecord, 'connectionId' | 'idk'>): Key => [
  'commands',
  'idk',
  connectionId,
  idk,
];

/** How long an idempotency key binds: what the protocol lets a spoke remember, less a day for late answers. */
export const idkTtlMs = 24 * 3_600_000;

/** How long a command that has ended can be looked up. */
const historyTtlMs = 400 * 86_400_000;

const openPage = 1_000;

export class Outbox {
  constructor(private readonly store: Store) {}

  /**
   * The command itself, or the one that already stands under its idempotency key. `unless` are keys that must not exist
   * at that moment. @throws WritError `idk_conflict`, `latched` when one of them does
   */
  async add(command: CommandRecord, unless: readonly Key[] = []): Promise<CommandRecord> {
    const checks: Check[] = [idkKey(command), ...unless].map((key) => ({ key, version: null }));
    const done = await this.store.commit({
      checks,
      puts: [
        { key: recordKey(command.commandId), value: command },
        { key: openKey(command.commandId), value: command.connectionId },
        { key: idkKey(command), value: command.commandId, ttlMs: idkTtlMs },
        ...(command.agentId === undefined
          ? []
          : [{ key: agentKey(command.agentId), value: command.connectionId, ttlMs: idkTtlMs }]),
      ],
    });
    if (done.ok) return command;
    if (isDeepStrictEqual(done.conflict, idkKey(command))) return this.join(command, unless);
    throw new WritError('latched', `Spawning on ${command.spoke} is stopped.`);
  }

  private async join(command: CommandRecord, unless: readonly Key[]): Promise<CommandRecord> {
    const id = await this.store.get<string>(idkKey(command));
    const earlier = id === null ? null : await this.get(id.value);
    if (earlier === null) return this.add(command, unless);
    if (earlier.op === command.op && isDeepStrictEqual(earlier.args, command.args)) return earlier;
    throw new WritError(
      'idk_conflict',
      `The idempotency key already belongs to command ${earlier.commandId} with other arguments.`,
    );
  }

  async get(commandId: string): Promise<CommandRecord | null> {
    return (await this.store.get<CommandRecord>(recordKey(commandId)))?.value ?? null;
  }

  async byIdk(connectionId: string, idk: string): Promise<CommandRecord | null> {
    const id = await this.store.get<string>(idkKey({ connectionId, idk }));
    return id === null ? null : this.get(id.value);
  }

  /** The connection that a command named this agent for, also when nothing came back yet. */
  async destination(agentId: string): Promise<string | undefined> {
    return (await this.store.get<string>(agentKey(agentId)))?.value;
  }

  /** Newest first; `after` is the last id of the page before. */
  async page(limit: number, after?: string): Promise<readonly CommandRecord[]> {
    const from = after === undefined ? {} : { after: recordKey(after) };
    const rows = await this.store.list<CommandRecord>(['commands', 'record'], { limit, reverse: true, ...from });
    return rows.map(({ value }) => value);
  }

  /** What a restart has to take up again. */
  async open(): Promise<readonly CommandRecord[]> {
    const found: CommandRecord[] = [];
    let after: Key | undefined;
    do {
      const rows = await this.store.list<string>(['commands', 'open'], {
        limit: openPage,
        ...(after ? { after } : {}),
      });
      const records = await Promise.all(rows.map(({ key }) => this.get(key.at(-1) ?? '')));
      found.push(...records.filter((record) => record !== null));
      after = rows.length < openPage ? undefined : rows.at(-1)?.key;
    } while (after);
    return found;
  }

  /**
   * Writes an end, unless one is written already: the first answer counts, a time-out gives way to any answer.
   * A refusal frees the idempotency key: asked again, it is judged anew.
   */
  async settle(
    commandId: string,
    end: Pick<CommandRecord, 'state' | 'settledAtMs' | 'body' | 'problem'>,
  ): Promise<CommandRecord> {
    const entry = await this.store.get<CommandRecord>(recordKey(commandId));
    if (entry === null) throw new WritError('not_found', `There is no command ${commandId}.`);
    if (isSettled(entry.value)) return entry.value;
    const settled = { ...entry.value, ...end };
    const done = await this.store.commit({
      checks: [{ key: entry.key, version: entry.version }],
      puts: [{ key: entry.key, value: settled, ttlMs: historyTtlMs }],
      deletes: [openKey(commandId), ...(end.state === 'failed' ? [idkKey(settled)] : [])],
    });
    return done.ok ? settled : this.settle(commandId, end);
  }
}
