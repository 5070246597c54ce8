// What an instance says when it refuses, as an error.
import { problem as problemSchema, problemOf, WritError } from '#protocol';
import type { Problem } from '#protocol';

/** An answer that is no success. `problem.next` says what to do; `problem.instance` is the id to look for in the log. */
export class WritProblem extends WritError {
  constructor(readonly problem: Problem) {
    super(problem.code, problem.detail, { field: problem.field, retryAfterMs: problem.retryAfterMs });
  }
}

/** Something else than Writ may answer (a proxy, another server): its text is not repeated. */
export function problemFrom(status: number, body: unknown): WritProblem {
  const parsed = problemSchema.safeParse(body);
  if (parsed.success) return new WritProblem(parsed.data);
  const unknown = new WritError('internal', `The answer was ${status}, and not in the form of this API.`);
  return new WritProblem({ ...problemOf(unknown), status });
}
