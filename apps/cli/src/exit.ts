// Exit codes: documented in `writ --help`, and the same for every command.
import type { ErrorCode } from '#protocol';

export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  notFound: 4,
  unreachable: 5,
  pending: 6,
} as const;

const refused: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'unauthenticated',
  'forbidden',
  'rate_limited',
  'idk_conflict',
  'conflict',
  'invalid_transition',
  'capacity',
  'latched',
  'killed',
  'grant_denied',
  'withheld',
  'connection_inactive',
  'connection_closed',
  'operation_unknown',
  'invite_invalid',
  'pairing_refused',
  'key_invalid',
  'limit_unenforceable',
  'runtime_unknown',
  'skill_unknown',
]);

/** The exit code of an error. */
export function exitCodeOf(code: ErrorCode): number {
  if (refused.has(code)) return exitCodes.refused;
  if (code === 'invalid_request' || code === 'too_large' || code === 'config_invalid') return exitCodes.usage;
  if (code === 'not_found' || code === 'spoke_unknown') return exitCodes.notFound;
  if (code === 'peer_unavailable') return exitCodes.unreachable;
  if (code === 'timed_out' || code === 'unknown_outcome') return exitCodes.pending;
  return exitCodes.failed;
}

export const exitCodesHelp = `
Exit codes:
  0 done   1 failed   2 wrong usage   3 refused or denied   4 no such thing
  5 nothing answers   6 no answer yet, or timed out: ask again, do not assume either way
  130 ended by Ctrl-C: what was ordered goes on`;
