// Error text on its way into records and events: no secrets, no paths of this machine, no endless stacks. [L-9]

/** Longest reason that is kept, in characters. */
const REASON_CHARS_MAX = 500;

const secrets: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, '[private key]'],
  [/\b(sk|pk|rk)-[A-Za-z0-9_-]{8,}/g, '[secret]'],
  [/\b(gh[oprsu]_|github_pat_|glpat-|xox[abprs]-|AKIA|ASIA|npm_|hf_)[A-Za-z0-9_-]{8,}/g, '[secret]'],
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, '[token]'],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, '$1 [secret]'],
  [/(:\/\/)[^\s/:@]*:[^\s/@]*@/g, '$1[secret]@'],
  [
    /\b([A-Za-z0-9_-]*(?:api[_-]?key|token|secret|password|passwd|credential)[A-Za-z0-9_-]*)(["']?\s*[=:]\s*["']?)[^\s"',;]{4,}/gi,
    '$1$2[secret]',
  ],
];

/** An absolute path of this machine; URLs and what lies inside the sandbox (`/work`) stay. */
const hostPath = /(?<![\w:/.~-])(?:~|\/(?!work(?:\/|\b)))[\w.@+~-]*(?:\/[\w.@+~-]+)+\/?/g;

export function redacted(text: string): string {
  const line = secrets.reduce((kept, [pattern, word]) => kept.replace(pattern, word), text.slice(0, 8_000));
  const flat = line.replace(hostPath, '[path]').replace(/\s+/g, ' ').trim();
  return flat.length > REASON_CHARS_MAX ? `${flat.slice(0, REASON_CHARS_MAX - 1)}…` : flat;
}
