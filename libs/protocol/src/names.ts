// Names and identifiers as they cross a border: each with its charset and length, so that nothing hostile gets further.
import { z } from 'zod';

/** Any UUID, lower case. */
export const agentId = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/, 'must be a lower-case UUID');

export const taskId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/, 'must be 1 to 128 letters, digits, `.`, `_`, `:` or `-`');

export const profileName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 lower-case letters, digits, `.`, `_` or `-`');

export const runtimeName = profileName.describe('A runtime that the configuration of the spoke names');

export const spokeName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 letters, digits, `.`, `_` or `-`');

/** RFC 7638 SHA-256 thumbprint, base64url: the id of an instance or a key. */
export const thumbprint = z
  .string()
  .regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, 'must be a thumbprint: 43 characters of base64url');

/** A SHA-256 value, base64url, without stray bits. */
export const sha256Hash = z
  .string()
  .regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, 'must be a SHA-256 value in base64url: 43 characters');

/** 128 random bits, base64url: connection ids, message ids, session nonces, invite ids. */
export const nonce128 = z.string().regex(/^[A-Za-z0-9_-]{21}[AQgw]$/, 'must be 128 bits in base64url: 22 characters');

export const idempotencyKey = z.string().regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 visible ASCII characters');

export const commitHash = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);

export const time = z.iso.datetime();

/** What `git check-ref-format --branch` takes, and nothing that git could read as an option or a refspec. */
export const branchName = z
  .string()
  .min(1)
  .max(200)
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9_./+#-]*$/,
    'must start with a letter, digit or `_` and hold only letters, digits and `_ . / + # -`',
  )
  .refine(
    (name) => !/\.\.|\/\/|\/\.|\.lock(\/|$)|[./]$/.test(name) && name !== 'HEAD',
    'is not a valid git branch name',
  );

/**
 * Where a repository lives: `https://host/path`, `ssh://user@host/path`, `user@host:path` or `file:///path` (which grants seldom allow).
 * Transports that run programs (`ext::`), user names or hosts that start with a dash, credentials and control characters are
 * refused; so are dot segments and every percent escape but `%20`, because a server that decodes them would leave the place
 * that a grant's pattern has matched.
 */
export const repositoryUrl = z
  .string()
  .min(1)
  .max(2_048)
  .regex(
    /^(https?:\/\/[A-Za-z0-9][A-Za-z0-9.-]*(:\d{1,5})?\/|ssh:\/\/([A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*(:\d{1,5})?\/|[A-Za-z0-9_][A-Za-z0-9_.-]*@[A-Za-z0-9][A-Za-z0-9.-]*:|file:\/\/\/)[A-Za-z0-9_~]([A-Za-z0-9_.~/+@-]|%20)*$/,
    'must be an https, ssh, scp-like or file URL without credentials, query, options or percent escapes',
  )
  .refine((url) => !/(^|\/)\.{1,2}(\/|$)/.test(url), 'must not have `.` or `..` as a segment');
