// What `identity.json` holds, in every form that was ever written.
import { z } from 'zod';
import { publicJwk, SigningKey, thumbprint, VerifyingKey, WritError } from '#protocol';
import type { KeyFiles } from './key-files.js';
import { KeyRing } from './key-ring.js';

const keysName = 'identity.json';
const format = 2;

const secret = z.record(z.string(), z.string());
const ring = z.strictObject({
  keys: z
    .array(z.strictObject({ secret, since: z.int(), until: z.int().optional() }))
    .min(1)
    .max(16),
  revoked: z.array(z.strictObject({ kid: thumbprint, at: z.int() })).max(256),
});
const first = z.strictObject({ format: z.literal(1), root: secret, operational: secret, since: z.int() });
const second = z.strictObject({
  format: z.literal(format),
  rootJwk: publicJwk,
  root: secret.optional(),
  ...ring.shape,
  draft: ring.optional(),
});

/** `root` is absent when it is kept elsewhere; `draft` is the ring that a statement signed there will make current. */
export interface Keys {
  readonly rootKey: VerifyingKey;
  readonly root?: SigningKey;
  readonly ring: KeyRing;
  readonly draft?: KeyRing;
}

/** The keys of the folder, made when there are none. @throws WritError `config_invalid`, `store_format` */
export function loadKeys(files: KeyFiles, nowS: number): Keys {
  if (files.read(keysName) === null) {
    const root = SigningKey.generate();
    files.create(keysName, written({ root, rootKey: root.verifying, ring: KeyRing.fresh(nowS) }));
  }
  return read(files.read(keysName));
}

export function saveKeys(files: KeyFiles, keys: Keys): void {
  files.replace(keysName, written(keys));
}

/** Changes whenever another process has written the file. */
export function keysMark(files: KeyFiles): string {
  return files.mark(keysName);
}

function written({ rootKey, root, ring: current, draft }: Keys): z.input<typeof second> {
  const secrets = root && { root: root.toPrivateJwk() };
  return { format, rootJwk: rootKey.jwk, ...secrets, ...ringOut(current), ...(draft && { draft: ringOut(draft) }) };
}

function ringOut({ keys, revoked }: KeyRing): z.input<typeof ring> {
  const kept = keys.map(({ key, since, until }) => ({
    secret: key.toPrivateJwk(),
    since,
    ...(until !== undefined && { until }),
  }));
  return { keys: kept, revoked: [...revoked] };
}

function ringIn({ keys, revoked }: z.output<typeof ring>): KeyRing {
  return new KeyRing(
    keys.map(({ secret, ...rest }) => ({ key: SigningKey.fromJwk(secret), ...rest })),
    revoked,
  );
}

function read(content: unknown): Keys {
  const old = first.safeParse(content);
  if (old.success) {
    const root = SigningKey.fromJwk(old.data.root);
    const key = SigningKey.fromJwk(old.data.operational);
    return { root, rootKey: root.verifying, ring: new KeyRing([{ key, since: old.data.since }]) };
  }
  const { rootJwk, root, draft, ...current } = parsed(second, format, content, keysName);
  const secrets = root && { root: SigningKey.fromJwk(root) };
  const rootKey = VerifyingKey.fromJwk(rootJwk);
  if (secrets && secrets.root.kid !== rootKey.kid) throw damaged(keysName);
  return { rootKey, ...secrets, ring: ringIn(current), ...(draft && { draft: ringIn(draft) }) };
}

/** @throws WritError `store_format` for what a newer version wrote, `config_invalid` for what is damaged. */
export function parsed<T extends z.ZodType>(schema: T, newest: number, content: unknown, name: string): z.output<T> {
  const stated = z.looseObject({ format: z.int() }).safeParse(content);
  if (stated.success && stated.data.format > newest) {
    throw new WritError('store_format', `${name} was written by a newer version.`);
  }
  const result = schema.safeParse(content);
  if (!result.success) throw damaged(name);
  return result.data;
}

function damaged(name: string): WritError {
  return new WritError('config_invalid', `${name} is damaged: restore it from a backup.`);
}
