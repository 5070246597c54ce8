// The closed list of error codes. Every wire (REST, federation, command line) maps from here; nothing invents a code.

interface ErrorKind {
  /** HTTP status of the problem. */
  readonly status: number;
  readonly title: string;
  /** What the reader can do next. */
  readonly next: string;
}

const kinds = {
  invalid_request: {
    status: 400,
    title: 'The request is not valid',
    next: 'Correct the named field and send it again.',
  },
  unauthenticated: { status: 401, title: 'No valid API key', next: 'Send a key as `Authorization: Bearer …`.' },
  session_ended: {
    status: 401,
    title: 'The session has ended',
    next: 'Sign in again: it was ended, was unused for too long, or its API key was revoked.',
  },
  sign_in_refused: {
    status: 401,
    title: 'The issuer did not vouch for you here',
    next: 'Begin again at the sign-in page; the log of the instance has the reason.',
  },
  cross_site: {
    status: 403,
    title: 'This was not asked by a page of this instance',
    next: 'Reload the console and try again. A program sends a key as `Authorization: Bearer …` and no cookie.',
  },
  forbidden: { status: 403, title: 'This key may not do that', next: 'Use a key with the role that the detail names.' },
  withheld: {
    status: 403,
    title: 'This may not leave the spoke',
    next: "Ask the spoke's admin: the work is kept there, and the detail says what was found in it.",
  },
  not_found: { status: 404, title: 'There is no such thing here', next: 'Check the id; list what exists first.' },
  too_large: { status: 413, title: 'The request is too large', next: 'Send less at once.' },
  rate_limited: { status: 429, title: 'Too many requests', next: 'Wait for the time in Retry-After.' },
  idk_conflict: {
    status: 409,
    title: 'The idempotency key was used for something else',
    next: 'Use a new key for a new request.',
  },
  conflict: {
    status: 409,
    title: 'Somebody else changed it meanwhile',
    next: 'Read it again, look at what is different, and make your change on that version.',
  },
  invalid_transition: { status: 409, title: 'The agent is not in a state for that', next: 'Read its state first.' },
  capacity: { status: 429, title: 'No free place for another agent', next: 'Wait for an agent to end, or kill one.' },
  latched: {
    status: 423,
    title: 'The killswitch is set',
    next: 'Reset it (`writ kill --reset`) when the reason is gone.',
  },
  killed: {
    status: 409,
    title: 'This agent was killed before it was spawned',
    next: 'Spawn again under a new idempotency key.',
  },
  grant_denied: {
    status: 403,
    title: 'The grant does not allow this',
    next: "Ask the spoke's admin for a wider grant, or ask for less.",
  },
  limit_unenforceable: {
    status: 422,
    title: 'A limit cannot be enforced on this machine',
    next: 'Leave the limit out, or mend what the detail names.',
  },
  sandbox_unavailable: {
    status: 503,
    title: 'The sandbox cannot be made here',
    next: 'Run `writ doctor` on the spoke: it names the cure.',
  },
  repository_unavailable: {
    status: 422,
    title: 'The repository could not be fetched',
    next: 'Check the URL, the branch and the access of the spoke.',
  },
  runtime_unknown: {
    status: 422,
    title: 'The spoke has no such runtime',
    next: 'Ask for one that its configuration names.',
  },
  skill_unknown: {
    status: 422,
    title: 'The spoke has no such skill',
    next: "Ask for one from the spoke's allow-list.",
  },
  no_model_key: {
    status: 503,
    title: 'The spoke has no model key',
    next: 'Set ANTHROPIC_API_KEY on the spoke and start it again.',
  },
  spoke_unknown: { status: 404, title: 'No spoke of that name', next: 'List them with `writ spokes`.' },
  peer_unavailable: {
    status: 503,
    title: 'The peer is not connected',
    next: 'See the state of the connection. A command waits until its deadline; past it, order it again.',
  },
  connection_inactive: {
    status: 409,
    title: 'The connection is not active',
    next: 'Both sides have to accept; the side that suspended has to resume.',
  },
  connection_closed: { status: 410, title: 'The connection is closed', next: 'Pair again with a new invite.' },
  operation_unknown: {
    status: 400,
    title: 'The peer does not speak this operation',
    next: 'Use one of the operations that its hello names.',
  },
  artifact_invalid: {
    status: 502,
    title: 'What the spoke sent is not what it stated',
    next: "Nothing of it was kept. Tell the spoke's admin; the commit stands in the agent's signed end.",
  },
  timed_out: {
    status: 504,
    title: 'No answer in time; it may still have been carried out',
    next: 'Ask for the status of the agent or command; do not assume either way.',
  },
  clock: {
    status: 400,
    title: 'The clocks are too far apart',
    next: 'Set both clocks (NTP); the detail has the difference.',
  },
  session: {
    status: 409,
    title: 'The message belongs to another session',
    next: 'Say hello again, then sign the command anew.',
  },
  replay: { status: 409, title: 'This message was seen before', next: 'Sign a new message; keep the idempotency key.' },
  schema: {
    status: 400,
    title: 'The message does not have the shape of the protocol',
    next: 'Compare it with docs/protocol.md.',
  },
  unknown_outcome: {
    status: 409,
    title: 'It is not known whether this was carried out',
    next: 'Sign it anew with the same idempotency key.',
  },
  invite_invalid: { status: 400, title: 'The invite is not valid', next: 'Ask the hub operator for a new invite.' },
  pairing_refused: {
    status: 403,
    title: 'The pairing was refused',
    next: 'Compare the six words with the other side and make a new invite.',
  },
  key_invalid: { status: 400, title: 'The key cannot be trusted', next: 'Compare the thumbprint with its owner.' },
  config_invalid: {
    status: 500,
    title: 'The configuration is not valid',
    next: 'Correct every field that the detail lists.',
  },
  bind_refused: {
    status: 500,
    title: 'Refusing to listen beyond loopback',
    next: 'Set up API keys first, or bind to 127.0.0.1.',
  },
  store_format: {
    status: 500,
    title: 'The store was written by a newer version',
    next: 'Start the newer version; nothing was changed.',
  },
  store_unavailable: {
    status: 503,
    title: 'The store does not answer',
    next: 'Check the store; nothing was acknowledged.',
  },
  internal: {
    status: 500,
    title: 'Something failed on our side',
    next: 'The log has the cause under the same instance id.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof kinds;

export const errorCodes = Object.keys(kinds) as ErrorCode[];

/** Title, HTTP status and next step of a code. */
export function describeError(code: ErrorCode): ErrorKind {
  return kinds[code];
}

/** More about one error: `field` is the JSON path of the offender, `retryAfterMs` when to come again. `cause` goes to the log, never to a peer. */
export interface ErrorContext {
  readonly field?: string;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** The only error that crosses a room. `detail` is one sentence for the reader, without secrets, paths or stacks. */
export class WritError extends Error {
  override readonly name = 'WritError';
  readonly field?: string;
  readonly retryAfterMs?: number;

  constructor(
    readonly code: ErrorCode,
    readonly detail: string,
    context: ErrorContext = {},
  ) {
    super(`${code}: ${detail}`, { cause: context.cause });
    this.field = context.field;
    this.retryAfterMs = context.retryAfterMs;
  }
}

/** RFC 9457 problem details as every face of Writ shows them. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly next: string;
  readonly field?: string;
  readonly retryAfterMs?: number;
  readonly instance?: string;
}

/** The problem of an error; whatever is no WritError becomes `internal` without its text. */
export function problemOf(error: unknown): Problem {
  const known = error instanceof WritError ? error : new WritError('internal', 'The request could not be finished.');
  const { status, title, next } = kinds[known.code];
  const { code, detail, field, retryAfterMs } = known;
  return { type: `urn:writ:problem:${code}`, title, status, code, detail, next, field, retryAfterMs };
}
