// API keys: their shape, their roles, and their REST resources.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { time } from './names.js';

/** Rising: an operator may what a viewer may, an admin everything. */
export const roles = ['viewer', 'operator', 'admin'] as const;
export const role = z.enum(roles);
export type Role = z.infer<typeof role>;

/** `writ_<id>_<256 random bits>`: the id is no secret, the rest is. */
export const apiKeyText = /^writ_([a-z2-7]{10})_([A-Za-z0-9_-]{43})$/;

/** A new key. Nothing knows it until an instance is told. */
export function newApiKey(): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz234567';
  const id = Array.from(randomBytes(10), (byte) => letters[byte & 31]).join('');
  return `writ_${id}_${randomBytes(32).toString('base64url')}`;
}

/** A key as it may be shown: never the secret. `lastUsedAt` is coarse, to the minute. */
export const apiKey = z.strictObject({
  id: z.string().regex(/^[a-z2-7]{10}$/, 'must be the id of a key'),
  name: z.string().trim().min(1).max(64),
  role,
  createdAt: time,
  lastUsedAt: time.optional(),
});
export type ApiKey = z.infer<typeof apiKey>;
export const apiKeyCreate = apiKey.pick({ name: true, role: true });
export type ApiKeyCreate = z.infer<typeof apiKeyCreate>;
/** The answer of `POST /v1/keys`: `key` is shown this once. */
export const apiKeyCreated = z.strictObject({ ...apiKey.shape, key: z.string() });
export type ApiKeyCreated = z.infer<typeof apiKeyCreated>;
export const apiKeyPage = z.strictObject({ keys: z.array(apiKey) });
