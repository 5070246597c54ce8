// One way to hold what came in against its schema, for every face.
import type { ArgumentMetadata } from '@nestjs/common';
import { WritError } from '#protocol';

export type Schema = NonNullable<ArgumentMetadata['schema']>;
type Issue = NonNullable<Awaited<ReturnType<Schema['~standard']['validate']>>['issues']>[number];

/** Where the value came from: `whole` names it when no member of it is at fault, `member` is what it is inside that. */
export interface Origin {
  readonly whole: string;
  readonly member?: string | undefined;
}

/** @throws WritError `invalid_request` that names the first offending field */
export async function validated(schema: Schema, value: unknown, origin: Origin): Promise<unknown> {
  const result = await schema['~standard'].validate(value);
  if (!result.issues) return result.value;
  const [issue] = result.issues;
  if (!issue) throw new WritError('invalid_request', 'The request is not valid.');
  const field = fieldOf(issue, origin);
  throw new WritError('invalid_request', `${field}: ${issue.message}`.slice(0, 500), { field });
}

/** `context.workItems[0]`; for an unknown member its own name, for the whole argument where it came from. */
function fieldOf(issue: Issue, { whole, member }: Origin): string {
  const unknown = 'keys' in issue && Array.isArray(issue.keys) ? [String(issue.keys[0])] : [];
  const steps = (issue.path ?? []).map((step) => (typeof step === 'object' ? step.key : step));
  const path = [...(member === undefined ? [] : [member]), ...steps, ...unknown];
  const joined = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return (joined.replace(/^\./, '') || whole).slice(0, 200);
}
