// The first look through an audit log: its keys and its checkpoints, before any row is judged by them.
import { RefusedError } from '../refused.js';
import { WritError } from '../errors.js';
import { thumbprintOf } from '../keys.js';
import {
  auditEnd,
  auditHeader,
  auditLineMax,
  auditRow,
  receiptText,
  type AuditEnd,
  type AuditHeader,
  type AuditRow,
  type ReceiptText,
} from './format.js';
import { readMessage, type Parties } from './messages.js';
import { Statements } from './statements.js';

/** Reads the file from its beginning, line by line, without the line ends. Called more than once. */
export type AuditSource = () => AsyncIterable<string>;

/** A checkpoint that stands in the log and holds. */
export interface Checkpoint {
  readonly iss: string;
  readonly n: number;
  readonly h: string;
  readonly iat: number;
  readonly jti: string;
  /** SHA-256 of its signing input, as `of` names it. */
  readonly ref: string;
  readonly of?: { readonly jti: string; readonly h: string };
  readonly token: string;
  readonly line: number;
}

export interface Survey {
  readonly header: AuditHeader;
  readonly parties: Parties;
  readonly statements: Statements;
  readonly checkpoints: readonly Checkpoint[];
  readonly rows: number;
  /** Rows that say how a command ended, or hold one: what may contradict each other. */
  readonly promises: number;
  readonly cuts: readonly { readonly n: number; readonly h: string }[];
  readonly end?: AuditEnd;
  /** The signed end, when its signature holds. */
  readonly endCheckpoint?: Checkpoint;
  readonly endLine: number;
}

/** Two a side and hour for as long as logs are kept, and room for more. */
const checkpointsMax = 100_000;
const cutsMax = 10_000;

/** A line of the file for what it is; undefined for none of the three. */
export function readLine(line: string): AuditHeader | AuditRow | AuditEnd | undefined {
  if (line.length > auditLineMax) return undefined;
  const value = json(line);
  for (const schema of [auditRow, auditHeader, auditEnd]) {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
  }
  return undefined;
}

export function readText({ text }: AuditRow): ReceiptText | undefined {
  return receiptText.safeParse(json(text)).data;
}

/** @throws WritError `invalid_request` for a file that does not begin as one; `key_invalid` for roots that are none. */
export async function surveyAudit(source: AuditSource): Promise<Survey> {
  const surveyor = new Surveyor();
  for await (const line of source()) surveyor.take(line);
  return surveyor.done();
}

class Surveyor {
  #header: AuditHeader | undefined;
  #statements = new Statements([]);
  #line = 0;
  #rows = 0;
  #promises = 0;
  #end: AuditEnd | undefined;
  #endLine = 0;
  readonly #tokens: { readonly raw: string; readonly line: number }[] = [];
  readonly #cuts: { readonly n: number; readonly h: string }[] = [];

  take(text: string): void {
    this.#line += 1;
    const line = readLine(text);
    if (this.#line === 1) this.begin(line);
    else if (line && 'text' in line) this.row(line);
    else if (line && 'end' in line) [this.#end, this.#endLine] = [line, this.#line];
  }

  done(): Survey {
    const header = this.#header;
    if (!header) throw notAnExport();
    const parties = { con: header.con, hub: thumbprintOf(header.hub), spoke: thumbprintOf(header.spoke) };
    const statements = this.#statements;
    const checkpoints = this.#tokens.flatMap(({ raw, line }) => checkpointOf(raw, line, parties, statements));
    const [rows, promises, cuts, end, endLine] = [
      this.#rows,
      this.#promises,
      this.#cuts,
      this.#end,
      this.#endLine || this.#line + 1,
    ];
    const [endCheckpoint] = end ? checkpointOf(end.checkpoint, endLine, parties, statements) : [];
    return { header, parties, statements, checkpoints, rows, promises, cuts, end, endCheckpoint, endLine };
  }

  private begin(line: ReturnType<typeof readLine>): void {
    if (!line || !('audit' in line)) throw notAnExport();
    this.#header = line;
    this.#statements = new Statements([line.hub, line.spoke]);
  }

  private row(row: AuditRow): void {
    this.#rows += 1;
    const text = readText(row);
    if (!text) return;
    const { kind, raw, cut } = text;
    if (kind === 'command' || kind === 'result' || kind === 'refusal') this.#promises += 1;
    if (kind === 'checkpoint' && this.#tokens.length < checkpointsMax) this.#tokens.push({ raw, line: this.#line });
    if (cut && this.#cuts.length < cutsMax) this.#cuts.push({ n: cut.n, h: cut.h });
    for (const token of cut?.kept ?? []) this.learn(token);
    if (kind === 'keys' || kind === 'pairing') this.learn(raw);
  }

  /** What cannot be believed is told when its row is judged. */
  private learn(token: string): void {
    for (const attempt of [
      () => this.#statements.learn(token),
      () => void this.#statements.paired(token, 'writ-pair-req+jws'),
      () => void this.#statements.paired(token, 'writ-pair-res+jws'),
    ]) {
      if (holds(attempt)) return;
    }
  }
}

function checkpointOf(token: string, line: number, parties: Parties, statements: Statements): Checkpoint[] {
  try {
    const { iss, iat, jti, h: ref, claims } = readMessage(token, 'checkpoint', parties, statements);
    const { n, h, of } = claims as Pick<Checkpoint, 'n' | 'h' | 'of'>;
    return [{ iss, n, h, iat, jti, ref, ...(of && { of }), token, line }];
  } catch (error) {
    if (error instanceof RefusedError) return [];
    throw error;
  }
}

function holds(attempt: () => void): boolean {
  try {
    attempt();
    return true;
  } catch (error) {
    if (error instanceof RefusedError || error instanceof WritError) return false;
    throw error;
  }
}

function notAnExport(): WritError {
  return new WritError('invalid_request', 'The file does not begin as the export of an audit log does.', {
    field: 'file',
  });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
