// Claims of commands and their results, and the rule that a message holds effects, or queries, or kills.
import { z } from 'zod';
import { count, envelope, messageRef, seconds } from './envelope.js';
import { errorCodes, type ErrorCode } from './errors.js';
import { idempotencyKey, nonce128 } from './names.js';
import { operation, type OperationKind } from './operations.js';
import { problem } from './rest.js';

export const commandsMax = 64;
/** UTF-8 bytes of one command's JSON. */
export const commandBytesMax = 65_536;

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
