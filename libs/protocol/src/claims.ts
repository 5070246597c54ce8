// The claims of every message between two instances; unknown members are refused. The table in docs/protocol.md says what each means.
import { z } from 'zod';
import { errorCodes, type ErrorCode } from './errors.js';
import { grant } from './grant.js';
import { ecJwk, okpJwk } from './keys.js';
import { idempotencyKey, nonce128, sha256Hash, spokeName, thumbprint } from './names.js';
import { type OperationKind, operation } from './operations.js';
import { problem } from './rest.js';

export const commandsMax = 64;
/** UTF-8 bytes of one command's JSON. */
export const commandBytesMax = 65_536;
export const eventsMax = 256;
/** UTF-8 bytes of one event's JSON: escaped inside a message it still fits into 1 MiB. */
export const eventBytesMax = 262_144;
export const statementKeysMax = 16;
export const revocationsMax = 256;

const v = z.literal(1);
const seconds = z.int().min(0);
const count = z.int().min(0);

/** Between two instances, before a connection exists. */
const addressed = { v, iss: thumbprint, aud: thumbprint, jti: nonce128, iat: seconds };
/** On a connection. */
const envelope = { ...addressed, con: nonce128 };

/** Names a message: its id and the SHA-256 of its signing input. */
export const messageRef = z.strictObject({ jti: nonce128, h: sha256Hash });
export type MessageRef = z.infer<typeof messageRef>;

const commandId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, `_` or `-`');
const argumentsObject = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be an object',
);

/** One command. `args` are checked against the operation's own schema later, so that a bad one is answered with a signature. */
export const commandEntry = z.strictObject({
  id: commandId,
  op: z.string().regex(/^[a-z][a-zA-Z.]{0,63}$/, 'must be the name of an operation'),
  args: argumentsObject,
  idk: idempotencyKey.optional(),
  /** The version of the grant that the sender believes in; 0 for none. */
  gv: count,
  /** W3C `traceparent`. */
  trace: z
    .string()
    .regex(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/, 'must be a traceparent')
    .optional(),
});
export type CommandEntry = z.infer<typeof commandEntry>;

function unique(items: readonly { readonly id: string }[]): boolean {
  return new Set(items.map((item) => item.id)).size === items.length;
}

export const commandClaims = z.strictObject({
  ...envelope,
  exp: seconds,
  sn: nonce128,
  cmds: z.array(commandEntry).min(1).max(commandsMax).refine(unique, 'ids must be unique'),
});
export type CommandClaims = z.infer<typeof commandClaims>;

const code = z.enum(errorCodes as [ErrorCode, ...ErrorCode[]]);

/** The answer to one command. The body of an `ok` has the shape of its operation, which only the asker can tell. */
export const commandResult = z.discriminatedUnion('st', [
  z.strictObject({ id: commandId, st: z.literal('ok'), gv: count, body: argumentsObject }),
  z.strictObject({ id: commandId, st: z.literal('denied'), code, gv: count, body: problem }),
  z.strictObject({ id: commandId, st: z.literal('error'), code, gv: count, body: problem }),
]);
export type CommandResult = z.infer<typeof commandResult>;

/** Why a whole message was not acted upon. */
export const messageErrors = ['clock', 'session', 'replay', 'schema', 'unknown_outcome'] as const;
export type MessageError = (typeof messageErrors)[number];

/** Either `results` or `err`. `diffS`, with `clock` only: the receiver's clock less the sender's. */
export const resultClaims = z
  .strictObject({
    ...envelope,
    req: messageRef,
    results: z.array(commandResult).min(1).max(commandsMax).refine(unique, 'ids must be unique').optional(),
    err: z.enum(messageErrors).optional(),
    diffS: z.int().optional(),
  })
  .refine((claims) => (claims.results === undefined) !== (claims.err === undefined), 'has results or err')
  .refine((claims) => claims.diffS === undefined || claims.err === 'clock', 'diffS belongs to clock');
export type ResultClaims = z.infer<typeof resultClaims>;

const eventText = z
  .string()
  .max(eventBytesMax)
  .refine((text) => Buffer.byteLength(text) <= eventBytesMax, `must have at most ${eventBytesMax} bytes`);

/** `seq` is that of the first event, `prev` = c(seq-1); without events a heartbeat, `seq` then being the next one. */
export const eventClaims = z.strictObject({
  ...envelope,
  epo: nonce128,
  seq: z.int().min(1),
  prev: sha256Hash,
  events: z.array(eventText).max(eventsMax),
});
export type EventClaims = z.infer<typeof eventClaims>;

/** Cumulative: `h` = c(seq). */
export const ackClaims = z.strictObject({
  ...envelope,
  epo: nonce128,
  seq: count,
  h: sha256Hash,
  again: z.literal(true).optional(),
});
export type AckClaims = z.infer<typeof ackClaims>;

/** One side's half of the connection's state. */
export const halfState = z.strictObject({
  state: z.enum(['pending', 'active', 'suspended', 'closed']),
  agents: z.enum(['keep', 'kill']).optional(),
  counter: count,
});

/** Where a journal stands. `before`: the epoch that ended and its last `seq`, once after a new epoch. */
export const journalPosition = z.strictObject({
  epo: nonce128,
  seq: count,
  h: sha256Hash,
  before: z.strictObject({ epo: nonce128, seq: count }).optional(),
});

/** `re` is the other's `sn`. A spoke says its grant and what it journaled last, a hub what it accepted last. */
export const helloClaims = z
  .strictObject({
    ...envelope,
    exp: seconds,
    sn: nonce128,
    re: nonce128.optional(),
    versions: z.array(z.int().min(1)).min(1).max(16),
    ops: z.array(z.string().max(64)).max(64),
    replica: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
    half: halfState,
    journal: journalPosition.optional(),
    gv: count.optional(),
    grant: grant.optional(),
  })
  .refine((claims) => claims.grant === undefined || claims.gv !== undefined, 'a grant has a version');
export type HelloClaims = z.infer<typeof helloClaims>;

const period = { nbf: seconds, exp: seconds };
const statementJwk = z.discriminatedUnion('kty', [okpJwk.extend(period), ecJwk.extend(period)]);

/** A key statement, signed by the root. Rules beyond the shape are in `statement.ts`. */
export const keysClaims = z.strictObject({
  v,
  iss: thumbprint,
  ver: z.int().min(1),
  iat: seconds,
  exp: seconds,
  keys: z.array(statementJwk).min(1).max(statementKeysMax),
  revoked: z.array(z.strictObject({ kid: thumbprint, at: seconds })).max(revocationsMax),
});
export type KeysClaims = z.infer<typeof keysClaims>;

const rootStatement = { root: okpJwk, keys: z.string().max(65_536) };

/** How the hub will reach the spoke: not at all (the spoke dials), or under a public URL. */
export const pairingLink = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('outbound') }),
  z.strictObject({ kind: z.literal('direct'), url: z.string().max(2_048) }),
]);

/** Spoke to hub. `keys` is the spoke's key statement, `mac` proves the invite's secret. */
export const pairRequestClaims = z.strictObject({
  ...addressed,
  exp: seconds,
  invite: nonce128,
  nonce: nonce128,
  mac: sha256Hash,
  ...rootStatement,
  name: spokeName,
  link: pairingLink,
});
export type PairRequestClaims = z.infer<typeof pairRequestClaims>;

/** Hub to spoke. `con` is the new connection, `req` the request answered. */
export const pairResponseClaims = z.strictObject({
  ...envelope,
  exp: seconds,
  req: messageRef,
  invite: nonce128,
  mac: sha256Hash,
  ...rootStatement,
  name: spokeName,
});
export type PairResponseClaims = z.infer<typeof pairResponseClaims>;

/** The audit log has `n` entries and ends in `h`; `of` names the checkpoint of the other side that this one countersigns. */
export const checkpointClaims = z.strictObject({ ...envelope, n: count, h: sha256Hash, of: messageRef.optional() });
export type CheckpointClaims = z.infer<typeof checkpointClaims>;

/** UTF-8 bytes of a command as it is sent; more than `commandBytesMax` is refused. */
export function commandBytes(one: CommandEntry): number {
  return Buffer.byteLength(JSON.stringify(one));
}

/**
 * What all known operations of a message are: effects, queries or kills. `mixed` when they are not alike: such a message is
 * refused as a whole. An unknown operation counts for nothing (it is answered alone); a message of unknown ones is a query.
 */
export function messageKind(cmds: readonly Pick<CommandEntry, 'op'>[]): OperationKind | 'mixed' {
  const kinds = new Set(cmds.map(({ op }) => operation(op)?.kind).filter((kind) => kind !== undefined));
  if (kinds.size > 1) return 'mixed';
  const [kind] = kinds;
  return kind ?? 'query';
}

/** Whether a command carries an idempotency key exactly when its operation has an effect. Unknown operations pass. */
export function idkFits(one: Pick<CommandEntry, 'op' | 'idk'>): boolean {
  const kind = operation(one.op)?.kind;
  return kind === undefined || (kind === 'query') === (one.idk === undefined);
}
