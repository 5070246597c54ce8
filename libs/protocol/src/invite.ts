// The invite: one line that a hub operator gives to a spoke admin, single use, with a checksum against bad copying.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { decodeBase64url, encodeBase64url } from './base64url.js';
import { WritError } from './errors.js';
import { parseJson } from './json.js';
import { nonce128, spokeName, thumbprint } from './names.js';
import { operationName } from './operations.js';

export const inviteLifetimeS = 15 * 60;
const inviteCharsMax = 8_192;

/**
 * `broker` is where the hub meets the spoke, pairing included, when it is there: the spoke's own setting says where that is
 * for the spoke. `secret` never travels in a message: it keys the MACs of pairing. `exp` is in epoch seconds.
 */
export const inviteContent = z.strictObject({
  name: spokeName,
  url: z.url({ protocol: /^https?$/ }).max(2_048),
  broker: z
    .url({ protocol: /^(nats|tls)$/ })
    .max(2_048)
    .optional(),
  hub: thumbprint,
  id: nonce128,
  secret: nonce128,
  ops: z.array(operationName).max(40),
  exp: z.int().min(0),
});
export type InviteContent = z.infer<typeof inviteContent>;

const line = /^writ1\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{4})$/;

function checksumOf(body: string): string {
  return createHash('sha256').update(body).digest('base64url').slice(0, 4);
}

/** `writ1.<base64url JSON>.<first 4 base64url characters of the SHA-256 of the part between the dots>` */
export function encodeInvite(content: InviteContent): string {
  const body = encodeBase64url(JSON.stringify(inviteContent.parse(content)));
  return `writ1.${body}.${checksumOf(body)}`;
}

/** White space around the line is forgiven. Whether it has run out is for the caller's clock. @throws WritError `invite_invalid` */
export function decodeInvite(text: string): InviteContent {
  const trimmed = text.trim();
  const [, body, checksum] = (trimmed.length <= inviteCharsMax && line.exec(trimmed)) || [];
  if (body === undefined) throw new WritError('invite_invalid', 'An invite is one line that starts with `writ1.`.');
  if (checksumOf(body) !== checksum) throw new WritError('invite_invalid', 'The invite was not copied whole.');
  const parsed = inviteContent.safeParse(contentOf(body));
  if (!parsed.success) throw new WritError('invite_invalid', 'The invite is of a kind that this version cannot read.');
  return parsed.data;
}

function contentOf(body: string): unknown {
  try {
    return parseJson(decodeBase64url(body) ?? new Uint8Array());
  } catch {
    return undefined;
  }
}
