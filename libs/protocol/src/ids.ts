// Identifiers that both sides can make without asking the other.
import { createHash, randomBytes } from 'node:crypto';

/** 128 random bits, base64url, 22 characters: message ids, session nonces, connection and invite ids, epochs. */
export function newNonce(): string {
  return randomBytes(16).toString('base64url');
}

/** The id of the agent that a spawn under this key will have: UUID version 8 (RFC 9562) of SHA-256(con + "." + idk). */
export function agentIdOf(con: string, idk: string): string {
  const bytes = createHash('sha256').update(`${con}.${idk}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
