// What the claims of all messages between two instances have in common. The table in docs/protocol.md says what each means.
import { z } from 'zod';
import { nonce128, sha256Hash, thumbprint } from './names.js';

export const version = z.literal(1);
export const seconds = z.int().min(0);
export const count = z.int().min(0);

/** Between two instances, before a connection exists. */
export const addressed = { v: version, iss: thumbprint, aud: thumbprint, jti: nonce128, iat: seconds };
/** On a connection. */
export const envelope = { ...addressed, con: nonce128 };

/** Names a message: its id and the SHA-256 of its signing input. */
export const messageRef = z.strictObject({ jti: nonce128, h: sha256Hash });
export type MessageRef = z.infer<typeof messageRef>;
