// What is kept of what passes between us and one peer: messages as receipts, and what speaks against it as alarms.
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import type { ResultClaims } from '#protocol';
import type { Alarms } from '../connections/alarms.js';
import type { ReceiptDraft, Receipts } from '../receipts/receipts.js';
import type { Log } from './log.js';
import type { Write } from './replay.js';
import { ToldResults } from './told.js';

export interface RecordTargets {
  readonly alarms: Pick<Alarms, 'raise'>;
  readonly receipts: Pick<Receipts, 'record' | 'resultMessage'>;
  readonly log: Log;
}

/** For how long refusals of one peer are gathered before they are kept. */
const refusalsMs = 50;

export class PeerRecords {
  readonly #writes = new Set<Promise<unknown>>();
  readonly #told = new ToldResults();
  readonly #drafts: ReceiptDraft[] = [];
  readonly #refusals: ReceiptDraft[] = [];
  #keeping: Promise<void> | undefined;
  #gathering: Promise<void> | undefined;

  constructor(
    private readonly targets: RecordTargets,
    private readonly connectionId: string,
  ) {}

  /** How the replay record of an effect is committed: together with the receipt of its command. */
  readonly recorder =
    (raw: string): Write =>
    (record) =>
      this.targets.receipts.record(this.connectionId, [{ kind: 'command', raw }], record);

  /** Keeps an exact message; resolves when it is durable or could not be kept, which the log then tells. What comes in one turn of the event loop is kept in one commit. */
  kept(kind: 'command' | 'result', raw: string): Promise<void> {
    this.#drafts.push({ kind, raw });
    return (this.#keeping ??= nextTurn().then(() => {
      this.#keeping = undefined;
      return this.keep(this.#drafts);
    }));
  }

  /** Keeps a command that was refused as a whole and the word that it got. Nobody waits for it, and a peer that lies may send a thousand a second: a commit for each would hold up the others. */
  keptRefusal(raw: string, refusal: string): void {
    this.#refusals.push({ kind: 'command', raw }, { kind: 'refusal', raw: refusal });
    this.#gathering ??= pause(refusalsMs).then(() => {
      this.#gathering = undefined;
      return this.keep(this.#refusals);
    });
  }

  /** Results of effects and kills that were waited for, and results that nobody waits for any more. */
  told(claims: ResultClaims, raw: string, wanted: boolean): void {
    const contradicts = this.#told.contradicts(claims);
    if (wanted) this.#told.keep(claims);
    if (contradicts) void this.write(this.equivocated(claims.req.jti, raw, wanted));
  }

  /** Another message came under a `jti` that was used. */
  reused(raw: string): void {
    const detail = 'Another message came under the id of one that was taken before.';
    void this.write(this.raise('replay', { detail, evidence: [raw] }));
  }

  /** A record that is on its way until it settles; a failure is told in the log. */
  write(writing: Promise<unknown>): Promise<void> {
    this.#writes.add(writing);
    const done = writing.then(
      () => undefined,
      (error: unknown) => this.targets.log('A record could not be written.', error),
    );
    return done.finally(() => this.#writes.delete(writing));
  }

  /** Resolves when what was to be recorded is. */
  async settled(): Promise<void> {
    await Promise.all([this.#keeping, this.#gathering]);
    await Promise.allSettled(this.#writes);
  }

  /** The first of the two is in the log: its proof. */
  private async equivocated(jti: string, raw: string, wanted: boolean): Promise<void> {
    await Promise.allSettled([this.#keeping, this.#gathering, ...this.#writes]);
    const before = await this.targets.receipts.resultMessage(this.connectionId, jti);
    if (!wanted) await this.kept('result', raw);
    const evidence = before === undefined ? [raw] : [before, raw];
    const detail = 'The peer signed two different results for one command.';
    await this.raise('result_equivocation', { detail, subject: jti, evidence });
  }

  private raise(kind: 'replay' | 'result_equivocation', what: RaisedFacts): Promise<unknown> {
    return this.targets.alarms.raise({ kind, connection: this.connectionId, ...what });
  }

  private keep(drafts: ReceiptDraft[]): Promise<void> {
    return this.write(this.targets.receipts.record(this.connectionId, drafts.splice(0)));
  }
}

interface RaisedFacts {
  readonly detail: string;
  readonly subject?: string;
  readonly evidence: readonly string[];
}
