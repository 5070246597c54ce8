// What a spoke's configuration says of the secret scan. There is no switch to turn it off.
import { z } from 'zod';
import { pattern } from '#protocol';

const allowance = z.strictObject({
  repositories: z.array(pattern).min(1).max(200),
  /** Of files: `*` is anything but `/`, `**` anything. */
  paths: z.array(pattern).min(1).max(200),
});

export const secretOptions = z.strictObject({
  /** Files in which nothing counts as a secret, by repository: test fixtures, examples. */
  allow: z.array(allowance).max(200).default([]),
  /** What becomes of work with new files that are no text: it is withheld, or their bytes are looked through as they are. */
  binaries: z.enum(['withhold', 'scan']).default('withhold'),
  /** The largest new file or commit message; work with a larger one is withheld. */
  fileBytesMax: z
    .int()
    .min(1_024)
    .max(2 ** 28)
    .default(8 * 2 ** 20),
  /** All new content of one agent together. */
  workBytesMax: z
    .int()
    .min(1_024)
    .max(2 ** 31)
    .default(128 * 2 ** 20),
  /** One look of the scanner, at a few MiB; work that takes longer is withheld. */
  scanMs: z.int().min(1).max(600_000).default(30_000),
});
export type SecretOptions = z.output<typeof secretOptions>;
