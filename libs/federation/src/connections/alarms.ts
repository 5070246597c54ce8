// Alarms: what an honest peer never does, and what soon stops one from speaking, kept where the people of both sides see it.
import { createHash } from 'node:crypto';
import type { Key, Store } from '#store';

/** The closed list of what can be raised. */
export type AlarmKind =
  | 'pairing_refused'
  | 'pairing_response_invalid'
  | 'statement_rollback'
  | 'half_state_contradiction'
  | 'journal_equivocation'
  | 'journal_rewound'
  | 'journal_ack_mismatch'
  | 'message_refused'
  | 'audit_equivocation'
  | 'audit_rewound'
  | 'result_equivocation'
  | 'replay'
  | 'keys_ending'
  | 'keys_ended';

export interface Alarm {
  readonly id: string;
  readonly kind: AlarmKind;
  readonly connection?: string;
  /** One sentence, without secrets. */
  readonly detail: string;
  readonly firstAt: string;
  readonly lastAt: string;
  /** How often it was raised. */
  readonly count: number;
}

export interface AlarmReport {
  readonly kind: AlarmKind;
  readonly connection?: string;
  readonly detail: string;
  /** Exact messages that prove it, at most two of 1 MiB; those of the first report are kept. */
  readonly evidence?: readonly string[];
  /** What makes two reports one alarm with a count; the detail by default. */
  readonly subject?: string;
}

const evidenceMax = 2;
const prefix = ['federation', 'alarm'] as const;
const evidenceOf = (id: string): Key => ['federation', 'alarm-evidence', id];

/** Store-backed and bounded: beyond `alarmsMax` different alarms (1,000) the one heard of longest ago is forgotten. */
export class Alarms {
  constructor(
    private readonly store: Store,
    private readonly now: () => number = Date.now,
    private readonly alarmsMax: number = 1_000,
  ) {}

  async raise(report: AlarmReport): Promise<void> {
    const id = idOf(report);
    const known = await this.store.get<Alarm>([...prefix, id]);
    const at = new Date(this.now()).toISOString();
    if (known) return this.put({ ...known.value, lastAt: at, count: known.value.count + 1 });
    const { kind, connection, detail, evidence = [] } = report;
    const about = connection === undefined ? {} : { connection };
    await this.makeRoom();
    await this.put({ id, kind, ...about, detail, firstAt: at, lastAt: at, count: 1 }, evidence.slice(0, evidenceMax));
  }

  /** The one heard of last first. */
  async list(): Promise<readonly Alarm[]> {
    const entries = await this.store.list<Alarm>(prefix, { limit: this.alarmsMax });
    return entries.map(({ value }) => value).sort((a, b) => b.lastAt.localeCompare(a.lastAt));
  }

  /** The exact messages that prove an alarm. */
  async evidence(id: string): Promise<readonly string[]> {
    return (await this.store.get<readonly string[]>(evidenceOf(id)))?.value ?? [];
  }

  /** Forgets an alarm that a person has seen; it comes back when it is raised again. */
  async clear(id: string): Promise<void> {
    await this.store.commit({ deletes: [[...prefix, id], evidenceOf(id)] });
  }

  private async put(alarm: Alarm, evidence: readonly string[] = []): Promise<void> {
    const proof = evidence.length > 0 ? [{ key: evidenceOf(alarm.id), value: evidence }] : [];
    await this.store.commit({ puts: [{ key: [...prefix, alarm.id], value: alarm }, ...proof] });
  }

  private async makeRoom(): Promise<void> {
    const oldest = (await this.list()).slice(this.alarmsMax - 1);
    for (const { id } of oldest) await this.clear(id);
  }
}

function idOf({ kind, connection = '', subject, detail }: AlarmReport): string {
  const name = JSON.stringify([kind, connection, subject ?? detail]);
  return createHash('sha256').update(name).digest('base64url').slice(0, 22);
}
