// The bytes of the protocol, written from docs/protocol.md alone: keys, messages, chain, invites. Shares no code with Writ.
import {
  createHash,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';

export type Json = Record<string, unknown>;

export interface Key {
  readonly alg: 'Ed25519' | 'ES256';
  readonly kid: string;
  readonly jwk: Json;
  readonly secret: KeyObject;
}

export interface Heard {
  readonly raw: string;
  readonly typ: string;
  readonly kid: string;
  readonly claims: Json;
  /** What a result names the message by. */
  readonly h: string;
}

export const base64url = (bytes: Uint8Array | string): string => Buffer.from(bytes as Uint8Array).toString('base64url');
const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64url');
export const sha256 = (data: Uint8Array | string): Buffer => createHash('sha256').update(data).digest();
export const nonce = (): string => base64url(randomBytes(16));
export const nowS = (): number => Math.floor(Date.now() / 1_000);

export function newKey(alg: Key['alg'] = 'Ed25519'): Key {
  const { privateKey, publicKey } =
    alg === 'Ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' }) as Json;
  return { alg, kid: thumbprint(jwk), jwk, secret: privateKey };
}

/** RFC 7638: the members that make the key, in the order of their names. */
function thumbprint({ crv, kty, x, y }: Json): string {
  return base64url(sha256(JSON.stringify(y === undefined ? { crv, kty, x } : { crv, kty, x, y })));
}

/** `change` is for those who lie: another header, or a payload that no serializer would write. */
export function seal(typ: string, claims: Json, key: Key, change: { header?: Json; payload?: string } = {}): string {
  const header = JSON.stringify({ alg: key.alg, kid: key.kid, typ, ...change.header });
  const input = `${base64url(header)}.${base64url(change.payload ?? JSON.stringify(claims))}`;
  const digest = key.alg === 'Ed25519' ? null : 'sha256';
  const signature = sign(digest, Buffer.from(input), { key: key.secret, dsaEncoding: 'ieee-p1363' });
  return `${input}.${base64url(signature)}`;
}

export function read(raw: string): Heard {
  const [header = '', payload = ''] = raw.split('.');
  const { typ, kid } = JSON.parse(bytesOf(header).toString()) as { typ: string; kid: string };
  const claims = JSON.parse(bytesOf(payload).toString()) as Json;
  return { raw, typ, kid, claims, h: base64url(sha256(`${header}.${payload}`)) };
}

export function holds(raw: string, jwk: Json): boolean {
  const cut = raw.lastIndexOf('.');
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const digest = jwk.kty === 'OKP' ? null : 'sha256';
  const signature = bytesOf(raw.slice(cut + 1));
  return verify(digest, Buffer.from(raw.slice(0, cut)), { key, dsaEncoding: 'ieee-p1363' }, signature);
}

/** c(0), and c(n) from c(n−1). */
export const chainStart = (con: string, epo: string): Buffer => sha256(con + epo);
export const chainNext = (before: Buffer, event: string): Buffer => sha256(Buffer.concat([before, sha256(event)]));

/** The agent that a spawn under this key makes. */
export function agentIdOf(con: string, idk: string): string {
  const bytes = sha256(`${con}.${idk}`).subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function inviteLine(body: Json): string {
  const text = base64url(JSON.stringify(body));
  return `writ1.${text}.${base64url(sha256(text)).slice(0, 4)}`;
}

export function inviteBody(line: string): Json {
  return JSON.parse(bytesOf(line.split('.')[1] ?? '').toString()) as Json;
}

interface Paired {
  readonly invite: string;
  readonly hub: string;
  readonly spoke: string;
  readonly nonce: string;
}

export function pairingMac(secret: string, role: 'spoke' | 'hub', { invite, hub, spoke, nonce }: Paired): string {
  const key = Buffer.from(hkdfSync('sha256', bytesOf(secret), Buffer.alloc(0), 'writ-pair-1', 32));
  const text = Buffer.concat([Buffer.from(`${role}\0`), ...[invite, hub, spoke, nonce].map(bytesOf)]);
  return base64url(createHmac('sha256', key).update(text).digest());
}
