// Whether what a row holds was said: by one of the two, on this connection, under a key that spoke then.
import { commandClaims, resultClaims } from '../claims.command.js';
import { ackClaims, checkpointClaims, eventClaims } from '../claims.journal.js';
import { openJws, type MessageType } from '../jws.js';
import { RefusedError } from '../refused.js';
import type { ReceiptKind, ReceiptText } from './format.js';
import type { Statements } from './statements.js';

/** The key of a message is named by no statement of the log: as much as that the statement is missing. */
export class UnknownKeyError extends RefusedError {}

/** The two sides and their connection. */
export interface Parties {
  readonly con: string;
  readonly hub: string;
  readonly spoke: string;
}

/** A message of an operational key that holds. */
export interface Said {
  readonly kid: string;
  readonly iss: string;
  readonly jti: string;
  readonly iat: number;
  /** Of its signing input. */
  readonly h: string;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly revokedAt: number;
}

type SpokenKind = Exclude<ReceiptKind, 'pairing' | 'keys' | 'cut'>;
type Side = 'hub' | 'spoke';

interface Shape {
  readonly typ: MessageType;
  readonly by: readonly Side[];
  readonly schema: { safeParse(value: unknown): { readonly success: boolean } };
}

const both: readonly Side[] = ['hub', 'spoke'];
const shapes: Readonly<Record<SpokenKind, Shape>> = {
  command: { typ: 'writ-cmd+jws', by: ['hub'], schema: commandClaims },
  result: { typ: 'writ-res+jws', by: ['spoke'], schema: resultClaims },
  refusal: { typ: 'writ-res+jws', by: ['spoke'], schema: resultClaims },
  event: { typ: 'writ-evt+jws', by: ['spoke'], schema: eventClaims },
  ack: { typ: 'writ-ack+jws', by: ['hub'], schema: ackClaims },
  checkpoint: { typ: 'writ-ckpt+jws', by: both, schema: checkpointClaims },
};

/** What the row says was said; undefined for rows that hold no message of an operational key. @throws RefusedError */
export function readRow(text: ReceiptText, parties: Parties, statements: Statements): Said | undefined {
  const { kind, raw } = text;
  if (kind === 'cut') return undefined;
  if (kind === 'keys') statements.learn(raw);
  else if (kind === 'pairing') checkPairing(raw, parties, statements);
  else return readMessage(raw, kind, parties, statements);
  return undefined;
}

/** @throws RefusedError */
export function readMessage(raw: string, kind: SpokenKind, parties: Parties, statements: Statements): Said {
  const { typ, by, schema } = shapes[kind];
  const {
    payload,
    kid,
    signingInputHash: h,
  } = openJws(raw, typ, (id) => {
    const key = statements.find(id);
    if (key) return key;
    throw new UnknownKeyError(`no key statement names the key ${id}`);
  });
  if (!schema.safeParse(payload).success) throw new RefusedError('the claims have not the shape of their type');
  const claims = payload as Readonly<Record<string, unknown>>;
  const { iss, aud, con, iat, jti } = claims as Record<'iss' | 'aud' | 'con' | 'jti', string> & { iat: number };
  const side = by.find((one) => parties[one] === iss);
  const other = side === 'hub' ? parties.spoke : parties.hub;
  if (!side || aud !== other || con !== parties.con)
    throw new RefusedError('it is not between these two, or of another connection');
  if (statements.issuerOf(kid) !== iss) throw new RefusedError('the key is of the other side');
  if (!statements.spokeAt(kid, iat)) throw new RefusedError('no key statement lets that key speak at that time');
  const revokedAt = statements.revokedAt(kid);
  if (iat > revokedAt) throw new RefusedError('the key was revoked before');
  return { kid, iss, jti, iat, h, claims, revokedAt };
}

function checkPairing(raw: string, { hub, spoke, con }: Parties, statements: Statements): void {
  try {
    const { iss, aud } = statements.paired(raw, 'writ-pair-req+jws');
    if (iss !== spoke || aud !== hub) throw new RefusedError('the pairing was of other instances');
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const { iss, aud, con: made } = statements.paired(raw, 'writ-pair-res+jws');
    if (iss !== hub || aud !== spoke || made !== con) throw new RefusedError('the pairing was of other instances');
  }
}
