// Identifiers that both sides can make without asking the other.
import { createHash, randomFillSync } from 'node:crypto';

const nonceBytes = 16;
/** Random bytes that nobody has had yet: asking the system once for 256 nonces costs as much as for one. */
const pool = Buffer.alloc(256 * nonceBytes);
let used = pool.length;

/** 128 random bits, base64url, 22 characters: message ids, session nonces, connection and invite ids, epochs. */
export function newNonce(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const nonce = pool.toString('base64url', used, used + nonceBytes);
  pool.fill(0, used, (used += nonceBytes));
  return nonce;
}

/** The id of the agent that a spawn under this key will have: UUID version 8 (RFC 9562) of SHA-256(con + "." + idk). */
export function agentIdOf(con: string, idk: string): string {
  const bytes = createHash('sha256').update(`${con}.${idk}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
