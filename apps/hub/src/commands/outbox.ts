// The hub's memory of what it ordered: a record per command, committed before anything is signed.
import { isDeepStrictEqual } from 'node:util';
import { WritError } from '#protocol';
import type { Append, Check, Commit, Entry, Key, Put, Store } from '#store';
import { isOver, isSettled, type CommandRecord, type End } from './command.js';

/** Ids begin with their time, and hex keeps the order of bytes: the newest command is the last key. */
const recordKey = (commandId: string): Key => [
  'commands',
  'record',
  Buffer.from(commandId, 'base64url').toString('hex'),
];
const openKey = (commandId: string): Key => ['commands', 'open', commandId];
const agentKey = (agentId: string): Key => ['commands', 'agent', agentId];
const spawnKey = (agentId: string): Key => ['commands', 'spawn', agentId];
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

/** What has not ended. `by` is the process that carries it; null while it waits for one that can. */
export interface OpenCommand {
  readonly commandId: string;
  readonly connectionId: string;
  readonly by: string | null;
  readonly version: string;
}

/** Before there were several processes on one store, the connection alone. */
type OpenRow = string | Pick<OpenCommand, 'connectionId' | 'by'>;

/** Who carries a command, and what is told of it in the same commit. */
export interface Carried {
  readonly by: string | null;
  readonly appends: readonly Append[];
}

export class Outbox {
  constructor(private readonly store: Store) {}

  /**
   * The command itself, or the one that already stands under its idempotency key. `unless` are keys that must not exist
   * at that moment. @throws WritError `idk_conflict`, `latched` when one of them does
   */
  async add(command: CommandRecord, carried: Carried, unless: readonly Key[] = []): Promise<CommandRecord> {
    const checks: Check[] = [idkKey(command), ...unless].map((key) => ({ key, version: null }));
    const done = await this.store.commit({
      checks,
      puts: [
        { key: recordKey(command.commandId), value: command },
        openPut(command, carried.by),
        { key: idkKey(command), value: command.commandId, ttlMs: idkTtlMs },
        ...(command.agentId === undefined
          ? []
          : [{ key: agentKey(command.agentId), value: command.connectionId, ttlMs: idkTtlMs }]),
        ...(command.agentId === undefined || command.op !== 'agent.spawn'
          ? []
          : [{ key: spawnKey(command.agentId), value: command.commandId, ttlMs: idkTtlMs }]),
      ],
      appends: carried.appends,
    });
    if (done.ok) return command;
    if (isDeepStrictEqual(done.conflict, idkKey(command))) return this.join(command, carried, unless);
    throw new WritError('latched', `Spawning on ${command.spoke} is stopped.`);
  }

  private async join(command: CommandRecord, carried: Carried, unless: readonly Key[]): Promise<CommandRecord> {
    const id = await this.store.get<string>(idkKey(command));
    const earlier = id === null ? null : await this.get(id.value);
    if (earlier === null) return this.add(command, carried, unless);
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

  /** The order that would make this agent, as long as its key binds. */
  async spawnOf(agentId: string): Promise<CommandRecord | null> {
    const id = await this.store.get<string>(spawnKey(agentId));
    return id === null ? null : this.get(id.value);
  }

  /** Newest first; `after` is the last id of the page before. */
  async page(limit: number, after?: string): Promise<readonly CommandRecord[]> {
    const from = after === undefined ? {} : { after: recordKey(after) };
    const rows = await this.store.list<CommandRecord>(['commands', 'record'], { limit, reverse: true, ...from });
    return rows.map(({ value }) => value);
  }

  /** All that has not ended. */
  async open(): Promise<readonly OpenCommand[]> {
    const found: OpenCommand[] = [];
    for (let after: Key | undefined; ;) {
      const rows = await this.store.list<OpenRow>(['commands', 'open'], { limit: openPage, ...(after && { after }) });
      found.push(...rows.map(openOf));
      if (rows.length < openPage) return found;
      after = rows.at(-1)?.key;
    }
  }

  async openOne(commandId: string): Promise<OpenCommand | null> {
    const row = await this.store.get<OpenRow>(openKey(commandId));
    return row && openOf(row);
  }

  /** Says who carries it from now on. False when somebody else did, or when it has ended. */
  async carriedBy(open: OpenCommand, { by, appends }: Carried): Promise<boolean> {
    const checks = [{ key: openKey(open.commandId), version: open.version }];
    return (await this.store.commit({ checks, puts: [openPut(open, by)], appends })).ok;
  }

  /** May be sent from now on. Gives back the command as it stands: with an end, when something else came first. */
  async release(commandId: string): Promise<CommandRecord> {
    return this.alter(commandId, ({ held, ...command }) => (held && !isOver(command) ? { value: command } : undefined));
  }

  /** One that timed out is ordered once more: it is tried until the new deadline, under the key that it has. */
  async reopen(commandId: string, deadlineMs: number, { by, appends }: Carried): Promise<CommandRecord> {
    return this.alter(commandId, (command) => {
      if (command.state !== 'timed_out') return undefined;
      const value = { ...command, state: 'pending', deadlineMs, settledAtMs: undefined, problem: undefined } as const;
      return { value, puts: [openPut(command, by)], appends };
    });
  }

  /** Ends a command that was surely never sent. Any other stands as it was. */
  withdraw(commandId: string, end: End, appends: readonly Append[] = []): Promise<CommandRecord> {
    return this.alter(commandId, (command) =>
      command.held && !isOver(command) ? { ...ended(command, end), appends } : undefined,
    );
  }

  /**
   * Writes an end, unless one is written already: the first answer counts, a time-out gives way to any answer.
   * A refusal frees the idempotency key: asked again, it is judged anew.
   */
  settle(
    commandId: string,
    end: End | ((command: CommandRecord) => End),
    appends: readonly Append[] = [],
  ): Promise<CommandRecord> {
    return this.alter(commandId, (command) =>
      isSettled(command) ? undefined : { ...ended(command, typeof end === 'function' ? end(command) : end), appends },
    );
  }

  /** Until it is written, or nothing is to be changed. */
  private async alter(
    commandId: string,
    change: (command: CommandRecord) => Change | undefined,
  ): Promise<CommandRecord> {
    for (;;) {
      const entry = await this.store.get<CommandRecord>(recordKey(commandId));
      if (entry === null) throw new WritError('not_found', `There is no command ${commandId}.`);
      const next = change(entry.value);
      if (next === undefined) return entry.value;
      const { value, ttlMs, puts = [], ...more } = next;
      const put = { key: entry.key, value, ...(ttlMs === undefined ? {} : { ttlMs }) };
      const checks = [{ key: entry.key, version: entry.version }];
      if ((await this.store.commit({ checks, puts: [put, ...puts], ...more })).ok) return value;
    }
  }
}

interface Change extends Pick<Commit, 'puts' | 'deletes' | 'appends'> {
  readonly value: CommandRecord;
  readonly ttlMs?: number;
}

function ended(command: CommandRecord, end: End): Change {
  const freed = end.state === 'failed' ? [idkKey(command)] : [];
  return { value: { ...command, ...end }, ttlMs: historyTtlMs, deletes: [openKey(command.commandId), ...freed] };
}

function openPut({ commandId, connectionId }: Pick<OpenCommand, 'commandId' | 'connectionId'>, by: string | null): Put {
  return { key: openKey(commandId), value: { connectionId, by } satisfies OpenRow };
}

function openOf({ key, value, version }: Entry<OpenRow>): OpenCommand {
  const row = typeof value === 'string' ? { connectionId: value, by: null } : value;
  return { commandId: key.at(-1) ?? '', ...row, version };
}
