// Who wants to be told of which task, in the store: one record for each, with the place in the events from which on.
import type { Entry, Key, Store } from '#store';

/** As it was asked for; `token` and `credentials` are secrets of the receiver. */
export interface PushRecord {
  readonly id: string;
  readonly taskId: string;
  readonly contextId: string;
  readonly url: string;
  readonly token?: string | undefined;
  readonly authentication?: { readonly scheme: string; readonly credentials?: string | undefined } | undefined;
  /** The task was over when it was asked for: nothing will be sent. */
  readonly isOver: boolean;
}

/** Whoever does not delete one has it forgotten after that time: a receiver that is gone is not called for ever. */
const keptMs = 30 * 86_400_000;
const listed = 1_000;

const all: Key = ['push', 'config'];
const ofTask = (taskId: string): Key => [...all, taskId];
const keyOf = ({ taskId, id }: Pick<PushRecord, 'taskId' | 'id'>): Key => [...ofTask(taskId), id];

/** The name of its courier: where that has got to is kept under it. */
export const nameOf = ({ taskId, id }: Pick<PushRecord, 'taskId' | 'id'>): string => `${taskId}/${id}`;

export class PushRecords {
  constructor(private readonly store: Store) {}

  async find(which: Pick<PushRecord, 'taskId' | 'id'>): Promise<Entry<PushRecord> | null> {
    return this.store.get<PushRecord>(keyOf(which));
  }

  async ofTask(taskId: string): Promise<readonly PushRecord[]> {
    return (await this.store.list<PushRecord>(ofTask(taskId))).map(({ value }) => value);
  }

  async all(): Promise<readonly PushRecord[]> {
    const found: PushRecord[] = [];
    for (let after: Key | undefined; ;) {
      const page = await this.store.list<PushRecord>(all, { limit: listed, ...(after && { after }) });
      found.push(...page.map(({ value }) => value));
      after = page.at(-1)?.key;
      if (page.length < listed) return found;
    }
  }

  /** With the place from which on it is told, in one commit: nothing that comes after it is missed. */
  async keep(record: PushRecord, standing: { readonly key: Key; readonly value: unknown }): Promise<void> {
    const puts = [
      { key: keyOf(record), value: record, ttlMs: keptMs },
      { ...standing, ttlMs: keptMs },
    ];
    await this.store.commit({ puts });
  }

  async forget(which: Pick<PushRecord, 'taskId' | 'id'>, standing: readonly Key[]): Promise<void> {
    await this.store.commit({ deletes: [keyOf(which), ...standing] });
  }
}
