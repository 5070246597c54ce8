// The setting `ca`: authorities of an admin's own, for everything that this process dials with TLS.
import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { authoritiesIn, WritError } from '#protocol';
import { z } from 'zod';

/** The path of a PEM file that can be read and holds what can be trusted. */
export const authorityFile = z
  .string()
  .min(1)
  .max(4_096)
  .superRefine((file, context) => {
    try {
      authorities(file);
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof WritError ? error.detail : 'cannot be read' });
    }
  });

/** Trusts them besides the authorities that Node brings along; once, before anything is dialled. @throws WritError `config_invalid` */
export function trustAuthorities(file: string | undefined): void {
  if (file !== undefined) setDefaultCACertificates([...getCACertificates('default'), ...authorities(file)]);
}

function authorities(file: string): string[] {
  return authoritiesIn(readFileSync(file, 'utf8'));
}
