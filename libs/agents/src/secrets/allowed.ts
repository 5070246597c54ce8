// Files in which the spoke's admin lets nothing count as a secret.
import { compilePattern } from '#protocol';
import type { SecretOptions } from './options.js';

export interface Work {
  readonly agentId: string;
  readonly repository: string;
}

/** Commits and names of files are never allowed anything. */
export function allowedIn({ allow }: SecretOptions, { repository }: Work): (path: string) => boolean {
  const matching = allow.filter(({ repositories }) => repositories.some((one) => compilePattern(one)(repository)));
  const paths = matching.flatMap((one) => one.paths.map(compilePattern));
  return (path) => paths.some((matches) => matches(path));
}
