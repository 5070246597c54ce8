// Strict compact JWS (RFC 7515) over node:crypto, synchronous: a kill must not wait behind password hashes in libuv's pool.
// The header is exactly {"alg","kid","typ"}; for a key and a type there is one encoded header, and nothing else is taken.
import { hash } from 'node:crypto';
import { decodeBase64url, encodeBase64url } from './base64url.js';
import { WritError } from './errors.js';
import { formatJson, JsonFault, parseJson } from './json.js';
import type { SigningKey, VerifyingKey } from './keys.js';
import { RefusedError } from './refused.js';

/** Characters of a whole message. */
export const messageBytesMax = 2 ** 20;

export const messageTypes = [
  'writ-cmd+jws',
  'writ-res+jws',
  'writ-evt+jws',
  'writ-ack+jws',
  'writ-hello+jws',
  'writ-keys+jws',
  'writ-pair-req+jws',
  'writ-pair-res+jws',
  'writ-ckpt+jws',
] as const;
export type MessageType = (typeof messageTypes)[number];

/** A message whose signature holds. Its claims have still to be checked. */
export interface OpenedJws<T extends MessageType = MessageType> {
  readonly payload: unknown;
  readonly typ: T;
  readonly kid: string;
  /** base64url SHA-256 of the signing input: names the message whatever its signature bytes are. */
  readonly signingInputHash: string;
  /** Size of the payload's JSON in bytes. */
  readonly payloadBytes: number;
}

/** What a message says of itself. Nothing of it is verified. */
export interface PeekedHeader {
  readonly kid: string;
  readonly typ: MessageType;
}

/** Characters of a header, and of a signature of 64 bytes. */
const headerSize = { min: 80, max: 160 } as const;
const signatureSize = 86;
const header = /^\{"alg":"(?:Ed25519|ES256)","kid":"([A-Za-z0-9_-]{43})","typ":"([a-z+-]{1,20})"\}$/;
const types: ReadonlySet<string> = new Set(messageTypes);

/**
 * Signs a payload of safe integers, strings, booleans, null, arrays and objects.
 * @throws WritError `schema` for a payload that no receiver would take, `too_large` beyond 1 MiB.
 */
export function signJws(typ: MessageType, payload: unknown, key: SigningKey): string {
  const input = `${key.verifying.header(typ)}.${encodeBase64url(payloadText(payload))}`;
  const token = `${input}.${encodeBase64url(key.sign(Buffer.from(input, 'latin1')))}`;
  if (token.length > messageBytesMax) throw new WritError('too_large', 'A message has at most 1 MiB.');
  return token;
}

/** Shape gate and header, before any key is looked up. Of the other parts only the sizes are known. @throws RefusedError */
export function peekHeader(token: unknown): PeekedHeader {
  return headerOf(partsOf(token)[0]);
}

/** The key id that a message claims. @throws RefusedError */
export function peekKid(token: unknown): string {
  return peekHeader(token).kid;
}

/**
 * Verifies a message of one of the given types under the key that `keyOf` knows for its `kid`.
 * `keyOf` may look at the payload, unverified, where the key itself travels in it (pairing only).
 * @throws RefusedError always the same, whatever is wrong.
 */
export function openJws<T extends MessageType>(
  token: unknown,
  typ: T | readonly T[],
  keyOf: (kid: string, unverified: () => unknown) => VerifyingKey | undefined,
): OpenedJws<T> {
  const [head, body, signature] = partsOf(token);
  const claimed = headerOf(head);
  const expected = expectedType(claimed.typ, typ);
  const bytes = decodeBase64url(body);
  if (!bytes) throw new RefusedError('the payload is not canonical base64url');
  const key = keyOf(claimed.kid, () => payloadOf(bytes));
  if (key?.kid !== claimed.kid) throw new RefusedError(`no key ${claimed.kid} is known here`);
  if (key.header(expected) !== head) throw new RefusedError('the header is not that of this key');
  // A slice shares the characters of the message; putting the parts together again would copy them.
  const input = Buffer.from((token as string).slice(0, head.length + 1 + body.length), 'latin1');
  checkSignature(key, input, signature);
  return new Verified(payloadOf(bytes), expected, key.kid, bytes.length, input);
}

/** Hashed when somebody asks: answers are named by the message that they answer, not by their own hash. */
class Verified<T extends MessageType> implements OpenedJws<T> {
  #hash: string | undefined;
  readonly #input: Buffer;

  constructor(
    readonly payload: unknown,
    readonly typ: T,
    readonly kid: string,
    readonly payloadBytes: number,
    input: Buffer,
  ) {
    this.#input = input;
  }

  get signingInputHash(): string {
    return (this.#hash ??= hash('sha256', this.#input, 'base64url'));
  }
}

/** base64url SHA-256 of the signing input of a message we signed ourselves: the `h` that its result names. */
export function signingInputHashOf(token: string): string {
  return hash('sha256', token.slice(0, token.lastIndexOf('.')), 'base64url');
}

function partsOf(token: unknown): [head: string, body: string, signature: string] {
  if (typeof token !== 'string') throw new RefusedError('the message is not a string');
  if (token.length > messageBytesMax) throw new RefusedError('the message is longer than 1 MiB');
  const [first, last] = [token.indexOf('.'), token.lastIndexOf('.')];
  const hasShape = first >= headerSize.min && first <= headerSize.max && last > first + 1;
  if (!hasShape || token.length !== last + 1 + signatureSize)
    throw new RefusedError('the message has not the shape of a compact JWS');
  return [token.slice(0, first), token.slice(first + 1, last), token.slice(last + 1)];
}

/** A key has one header for each type: those that were read lately are not read again. */
const headersMax = 256;
const headers = new Map<string, PeekedHeader>();

function headerOf(head: string): PeekedHeader {
  const known = headers.get(head);
  if (known) return known;
  const fresh = parsedHeader(head);
  if (headers.size >= headersMax) headers.clear();
  headers.set(head, fresh);
  return fresh;
}

function parsedHeader(head: string): PeekedHeader {
  const match = header.exec(decodeBase64url(head)?.toString('latin1') ?? '');
  const [, kid, typ] = match ?? [];
  if (kid === undefined || typ === undefined) throw new RefusedError('the header is not {"alg","kid","typ"}');
  if (!types.has(typ)) throw new RefusedError('the message type is unknown');
  return { kid, typ: typ as MessageType };
}

function expectedType<T extends MessageType>(claimed: MessageType, typ: T | readonly T[]): T {
  const wanted = typeof typ === 'string' ? [typ] : typ;
  const found = wanted.find((one) => one === claimed);
  if (found === undefined) throw new RefusedError(`a message of type ${claimed} is not expected here`);
  return found;
}

function checkSignature(key: VerifyingKey, input: Buffer, signature: string): void {
  const bytes = decodeBase64url(signature);
  if (!bytes || !key.verify(input, bytes)) throw new RefusedError('the signature does not hold');
}

function payloadOf(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes);
  } catch (error) {
    throw new RefusedError(error instanceof JsonFault ? `the payload: ${error.message}` : 'the payload is not JSON');
  }
}

function payloadText(payload: unknown): string {
  try {
    return formatJson(payload);
  } catch (cause) {
    throw new WritError('schema', 'The payload cannot be sent: no receiver would take it.', { cause });
  }
}
