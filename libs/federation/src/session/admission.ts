// May this command pass at all? Size, kind, state of the connection, standing of the sender's keys, and the schema of the
// operation, in this order; the grant is asked afterwards, by the guard in front of the handler.
import { commandBytes, commandBytesMax, idkFits, operation, operationNames, WritError } from '#protocol';
import type { CommandEntry, OperationKind } from '#protocol';
import { jointState } from '../connections/connection.js';
import type { Connection } from '../connections/connection.js';

/** What passes while a connection is suspended, and for a peer whose key statement has run out. */
function isUrgent(op: string, kind: OperationKind): boolean {
  return kind === 'kill' || op === 'agent.status';
}

/** @throws WritError `connection_closed`, `connection_inactive` */
export function checkState(connection: Pick<Connection, 'ours' | 'theirs'>, op: string, kind: OperationKind): void {
  const state = jointState(connection);
  if (state === 'active' || (state === 'suspended' && isUrgent(op, kind))) return;
  if (state === 'closed') throw new WritError('connection_closed', 'The connection is closed.');
  throw new WritError('connection_inactive', `The connection is ${state}.`);
}

export interface Admitted {
  readonly kind: OperationKind;
  readonly args: Record<string, unknown>;
}

/** @throws WritError `operation_unknown`, `connection_inactive`, `connection_closed`, `key_invalid`, `too_large`, `invalid_request` with the field */
export function admit(
  entry: CommandEntry,
  connection: Pick<Connection, 'ours' | 'theirs'>,
  standing: 'current' | 'stale' | 'expired' | 'unknown',
  messageBytes: number,
): Admitted {
  const known = operation(entry.op);
  if (!known) throw unspoken(entry.op);
  checkState(connection, entry.op, known.kind);
  if (standing !== 'current' && !isUrgent(entry.op, known.kind)) {
    throw new WritError('key_invalid', 'The key statement of the sender has run out: only status and kill are left.');
  }
  if (messageBytes > commandBytesMax && commandBytes(entry) > commandBytesMax) {
    throw new WritError('too_large', `A command has at most ${commandBytesMax} bytes.`);
  }
  if (!idkFits(entry)) throw new WritError('invalid_request', idkDetail(known.kind), { field: 'idk' });
  return { kind: known.kind, args: parse(entry, known) };
}

function parse(entry: CommandEntry, known: NonNullable<ReturnType<typeof operation>>): Record<string, unknown> {
  const parsed = known.args.safeParse(entry.args);
  if (parsed.success) return parsed.data as Record<string, unknown>;
  const [issue] = parsed.error.issues;
  const field = ['args', ...(issue?.path ?? [])].map(String).join('.');
  throw new WritError('invalid_request', `${field}: ${issue?.message ?? 'not valid'}`, { field });
}

function unspoken(op: string): WritError {
  const detail = `There is no operation ${op} here. What is spoken: ${operationNames.join(', ')}.`;
  return new WritError('operation_unknown', detail);
}

function idkDetail(kind: OperationKind): string {
  return kind === 'query' ? 'A query has no idempotency key.' : 'An operation with an effect has an idempotency key.';
}
