// What went wrong, as a person is told: the instance's own problem, or ours when it did not answer at all.
import type { Problem } from '#protocol';

/** The members of a problem that are shown; `code` is of the instance's closed list, or `unreachable`. */
export type Trouble = Pick<Problem, 'title' | 'detail' | 'next' | 'field' | 'instance' | 'retryAfterMs'> & {
  readonly code: string;
  readonly status: number;
};

export class TroubleError extends Error {
  override readonly name = 'TroubleError';

  constructor(readonly trouble: Trouble) {
    super(`${trouble.code}: ${trouble.detail}`);
  }
}

const unreachable: Trouble = {
  code: 'unreachable',
  status: 0,
  title: 'The instance does not answer',
  detail: 'The connection to it was refused or cut.',
  next: 'See that it runs and that this machine reaches it. The page goes on by itself when it is back.',
};

const strange = (status: number): Trouble => ({
  code: 'internal',
  status,
  title: 'The answer is not one of this API',
  detail: `Something between this page and the instance answered with ${status}.`,
  next: 'Look at the proxy before the instance, then reload the page.',
});

function isProblem(body: unknown): body is Trouble {
  const { code, detail, next, title } = (body ?? {}) as Partial<Record<keyof Trouble, unknown>>;
  return [code, detail, next, title].every((part) => typeof part === 'string');
}

/** Of an answer that is no success. */
export async function troubleOf(answer: Response): Promise<TroubleError> {
  const body: unknown = await answer.json().catch(() => undefined);
  return new TroubleError(isProblem(body) ? { ...body, status: answer.status } : strange(answer.status));
}

/** Of whatever was thrown. */
export function asTrouble(error: unknown): Trouble {
  if (error instanceof TroubleError) return error.trouble;
  // What `fetch` throws when there is no answer (WHATWG Fetch, 4.6).
  if (error instanceof TypeError) return unreachable;
  const detail = error instanceof Error ? error.message : String(error);
  return { ...strange(0), title: 'The page failed', detail, next: 'Reload the page; tell us when it comes again.' };
}
