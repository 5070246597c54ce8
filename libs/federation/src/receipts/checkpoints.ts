// Audit checkpoints: every hour, and at close, each side signs how far its log of a connection goes and what it ends in, and
// the other side countersigns. After that neither can write its history anew without the other's signature against it.
import { signingInputHashOf, type CheckpointClaims } from '#protocol';
import type { LogCommitResult, Store } from '#store';
import type { Alarms } from '../connections/alarms.js';
import { standingOf } from '../connections/audit-standing.js';
import { InTurn } from '../journal/in-turn.js';
import type { Receipts } from './receipts.js';

interface SealedCheckpoint {
  readonly raw: string;
  readonly jti: string;
}

/** Signs these claims as a checkpoint of the connection. */
export type SealCheckpoint = (claims: Pick<CheckpointClaims, 'n' | 'h' | 'of'>) => SealedCheckpoint;

/** A checkpoint as it came, verified. `ref` is the SHA-256 of its signing input. */
export interface HeardCheckpoint {
  readonly claims: CheckpointClaims;
  readonly raw: string;
  readonly ref: string;
}

/** What was signed last by either side. */
interface Standing {
  readonly own?: {
    readonly n: number;
    readonly jti: string;
    readonly ref: string;
    readonly raw: string;
    readonly atMs: number;
    readonly countersigned: boolean;
  };
  readonly theirs?: { readonly n: number; readonly h: string; readonly iat: number; readonly raw: string };
  /** Our countersignature of `theirs`, for a copy of it. */
  readonly answer?: string;
}

const defaultEveryMs = 3_600_000;
/** A peer that signs more often than this is not heard: each of its checkpoints costs two rows here. */
const heardEveryMsMax = 30_000;
const triesMax = 8;

export class AuditCheckpoints {
  /** How soon after one another the other side's are heard at most. */
  heardEveryMs: number;
  readonly #heardAtMs = new Map<string, number>();
  /** What is signed names the end of a log that grows with it. */
  readonly #turns = new InTurn();

  constructor(
    private readonly store: Store,
    private readonly receipts: Receipts,
    private readonly alarms: Alarms,
    private readonly now: () => number = Date.now,
    readonly everyMs: number = defaultEveryMs,
  ) {
    this.heardEveryMs = Math.min(heardEveryMsMax, everyMs / 2);
  }

  /** Signs and keeps a checkpoint when one is due, or `now` when anything was written since the last. Returns what is to be sent. */
  make(connectionId: string, seal: SealCheckpoint, when: 'due' | 'now' = 'due'): Promise<string | undefined> {
    return this.#turns.run(connectionId, () => this.madeInTurn(connectionId, seal, when));
  }

  /** Our last one, while nobody has countersigned it: for a link that has just opened. */
  async open(connectionId: string): Promise<string | undefined> {
    const own = (await this.standing(connectionId)).value.own;
    return own && !own.countersigned ? own.raw : undefined;
  }

  /** Takes the other side's. Returns our countersignature, when it wants one and may have it. */
  take(connectionId: string, heard: HeardCheckpoint, seal: SealCheckpoint): Promise<string | undefined> {
    return this.#turns.run(connectionId, () => this.takenInTurn(connectionId, heard, seal));
  }

  private async madeInTurn(con: string, seal: SealCheckpoint, when: 'due' | 'now'): Promise<string | undefined> {
    const { value, version } = await this.standing(con);
    const { own } = value;
    if (when === 'due' && own && this.now() - own.atMs < this.everyMs) return undefined;
    const { seq: n, hash: h } = await this.receipts.head(con);
    if (!(await this.receipts.hasNews(con, own?.n ?? 0))) return own?.countersigned ? undefined : own?.raw;
    const { raw, jti } = seal({ n, h });
    const next = { n, jti, ref: signingInputHashOf(raw), raw, atMs: this.now(), countersigned: false };
    const { ok } = await this.keep(con, [raw], version, { ...value, own: next });
    return ok ? raw : undefined;
  }

  private async takenInTurn(con: string, heard: HeardCheckpoint, seal: SealCheckpoint): Promise<string | undefined> {
    for (let tries = 0; tries < triesMax; tries += 1) {
      const { value, version } = await this.standing(con);
      if (value.theirs?.raw === heard.raw) return value.answer;
      if (!this.isWelcome(con, value, heard)) return undefined;
      const proof = contradiction(value, heard.claims);
      if (proof) return this.contradicted(con, proof, heard.raw);
      const next = { ...value, theirs: theirsOf(heard), answer: undefined, ...countersigned(value, heard) };
      if (!(await this.keep(con, [heard.raw], version, next)).ok) continue;
      return heard.claims.of ? undefined : this.countersign(con, heard, seal);
    }
    return undefined;
  }

  /** The row that holds theirs is covered by what we sign now: both logs know of one another. */
  private async countersign(con: string, { claims, ref }: HeardCheckpoint, seal: SealCheckpoint) {
    const { value, version } = await this.standing(con);
    const { seq: n, hash: h } = await this.receipts.head(con);
    const { raw } = seal({ n, h, of: { jti: claims.jti, h: ref } });
    const { ok } = await this.keep(con, [raw], version, { ...value, answer: raw });
    return ok ? raw : undefined;
  }

  /** A countersignature of what we signed last, once; or a checkpoint that does not come too soon. */
  private isWelcome(con: string, { own }: Standing, { claims: { of }, raw }: HeardCheckpoint): boolean {
    if (of) return own !== undefined && !own.countersigned && own.jti === of.jti && own.ref === of.h && raw !== own.raw;
    const since = this.now() - (this.#heardAtMs.get(con) ?? -Infinity);
    if (since < this.heardEveryMs) return false;
    this.#heardAtMs.set(con, this.now());
    return true;
  }

  private async contradicted(con: string, { kind, detail, before }: Contradiction, raw: string): Promise<undefined> {
    await this.receipts.record(con, [{ kind: 'checkpoint', raw }]);
    await this.alarms.raise({ kind, connection: con, detail, evidence: [before, raw] });
    return undefined;
  }

  private keep(
    con: string,
    raws: readonly string[],
    version: string | null,
    value: Standing,
  ): Promise<LogCommitResult> {
    const key = standingOf(con);
    const drafts = raws.map((raw) => ({ kind: 'checkpoint', raw }) as const);
    return this.receipts.record(con, drafts, { checks: [{ key, version }], puts: [{ key, value }] });
  }

  private async standing(con: string): Promise<{ readonly value: Standing; readonly version: string | null }> {
    return (await this.store.get<Standing>(standingOf(con))) ?? { value: {}, version: null };
  }
}

interface Contradiction {
  readonly kind: 'audit_equivocation' | 'audit_rewound';
  readonly detail: string;
  readonly before: string;
}

/** What no log that only grows can lead to. Messages may overtake one another, so an older one proves nothing. */
function contradiction({ theirs }: Standing, { n, h, iat }: CheckpointClaims): Contradiction | undefined {
  if (!theirs) return undefined;
  const before = theirs.raw;
  if (n === theirs.n && h !== theirs.h)
    return { kind: 'audit_equivocation', detail: `The peer signed two different audit logs of ${n} rows.`, before };
  if (n < theirs.n && iat > theirs.iat)
    return { kind: 'audit_rewound', detail: `The peer's audit log had ${theirs.n} rows, and ${n} afterwards.`, before };
  return undefined;
}

function theirsOf({ claims: { n, h, iat }, raw }: HeardCheckpoint): Standing['theirs'] {
  return { n, h, iat, raw };
}

function countersigned({ own }: Standing, { claims: { of } }: HeardCheckpoint): Pick<Standing, 'own'> {
  return own && of ? { own: { ...own, countersigned: true } } : {};
}
