// Verifies an exported audit log against nothing but two thumbprints. Reads it several times, keeps little of it.
import { WritError } from '../errors.js';
import { checkBase, checkEnd } from './bounds.js';
import { Checkpoints, type LaterState } from './checkpoints.js';
import { Equivocations } from './equivocation.js';
import { Findings, type AuditFinding } from './finding.js';
import { Rows } from './rows.js';
import { readLine, type AuditSource, type Checkpoint, type Survey } from './survey.js';
import { ChainWalk } from './walk.js';

/** Whom the log has to be of: the thumbprints that were compared at pairing. */
export interface AuditExpectation {
  readonly hub: string;
  readonly spoke: string;
  /** What the other side's export of the same connection says. */
  readonly witness?: Survey;
}

export interface AuditReport {
  readonly ok: boolean;
  readonly con: string;
  readonly by: 'hub' | 'spoke';
  /** Rows that were gone through, and the first and last of them as the log counts. */
  readonly rows: number;
  readonly from: number;
  readonly through: number;
  readonly checkpoints: number;
  /** The last row that both sides have vouched for; 0 for none. */
  readonly countersignedThrough: number;
  /** Rows under a key that was revoked later, which no countersigned checkpoint of before covers. */
  readonly unproven: number;
  /** The other file is of a later moment: it knows that the log went on to row `n`, signed at `at` (epoch seconds). */
  readonly later?: LaterState;
  readonly findings: readonly AuditFinding[];
  /** Findings beyond those. */
  readonly more: number;
}

/** @throws WritError `key_invalid` when the log is of other instances than those two. */
export async function verifyAudit(
  source: AuditSource,
  survey: Survey,
  expected: AuditExpectation,
): Promise<AuditReport> {
  const { parties } = survey;
  if (parties.hub !== expected.hub || parties.spoke !== expected.spoke) throw ofOthers(survey);
  const { witness } = expected;
  if (witness && witness.parties.con !== parties.con) throw ofOthers(survey);
  const verifier = new Verifier(survey, witness ? sworn(witness) : []);
  await verifier.walk(source);
  await verifier.contradictions(source);
  return verifier.report();
}

/** What a file says with a signature: its checkpoints, and its end. */
function sworn({ checkpoints, endCheckpoint }: Survey): readonly Checkpoint[] {
  return endCheckpoint ? [...checkpoints, endCheckpoint] : checkpoints;
}

class Verifier {
  readonly #findings = new Findings();
  readonly #checkpoints: Checkpoints;
  readonly #equivocations: Equivocations;
  readonly #rows: Rows;
  readonly #walk: ChainWalk;
  /** Rows beyond those that the signed end counts. */
  readonly #surplus: number;

  constructor(
    private readonly survey: Survey,
    witnesses: readonly Checkpoint[],
  ) {
    const { header, end, rows } = survey;
    const findings = this.#findings;
    const checkpoints = (this.#checkpoints = new Checkpoints(survey, findings, witnesses));
    const equivocations = (this.#equivocations = new Equivocations(survey, findings));
    const surplus = (this.#surplus = end ? rows - (end.end.n - header.base.n) : 0);
    this.#rows = new Rows({ survey, findings, checkpoints, equivocations, surplus });
    const known = end && { end: end.end };
    this.#walk = new ChainWalk({ base: header.base, ...known, surplus, findings, placed: this.#rows.take });
    checkBase(survey, findings);
  }

  /** Every line once: the chain, and each message by itself. */
  async walk(source: AuditSource): Promise<void> {
    let line = 0;
    for await (const text of source()) {
      line += 1;
      if (line === 1 || line === this.survey.endLine) continue;
      const read = readLine(text);
      if (read && 'text' in read) this.#walk.take({ row: read, line });
      else this.#walk.skip(line);
    }
    this.#walk.flush();
    checkEnd(this.survey, this.#findings, this.#walk.last, this.#surplus);
    this.#checkpoints.ended(this.#walk.last, this.survey.endLine);
    this.#rows.ended();
  }

  /** What was said twice, and differently. */
  contradictions(source: AuditSource): Promise<void> {
    return this.#equivocations.search(source);
  }

  report(): AuditReport {
    const { header, parties } = this.survey;
    const { kept, count } = this.#findings;
    const countersigned = this.#checkpoints.countersigned.map(({ n }) => n);
    return {
      ok: count === 0,
      con: parties.con,
      by: header.by,
      rows: this.#rows.count,
      from: header.base.n + 1,
      through: this.#walk.last.n,
      checkpoints: this.#checkpoints.own,
      countersignedThrough: Math.max(0, ...countersigned),
      unproven: this.#rows.unproven,
      ...(this.#checkpoints.later && { later: this.#checkpoints.later }),
      findings: [...kept].sort((a, b) => a.line - b.line),
      more: count - kept.length,
    };
  }
}

function ofOthers({ parties: { hub, spoke, con } }: Survey): WritError {
  const detail = `The file is of another connection than was asked for: hub ${hub}, spoke ${spoke}, connection ${con}.`;
  return new WritError('key_invalid', detail);
}
