// The border: every body, query and path parameter goes through the zod schema that its decorator names.
import { Injectable } from '@nestjs/common';
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { WritError } from '#protocol';

type Schema = NonNullable<ArgumentMetadata['schema']>;
type Issue = NonNullable<Awaited<ReturnType<Schema['~standard']['validate']>>['issues']>[number];

/** `context.workItems[0]`; for an unknown member its own name, for the whole argument where it came from. */
function fieldOf(issue: Issue, { type, data }: ArgumentMetadata): string {
  const unknown = 'keys' in issue && Array.isArray(issue.keys) ? [String(issue.keys[0])] : [];
  const steps = (issue.path ?? []).map((step) => (typeof step === 'object' ? step.key : step));
  const path = [...(data === undefined ? [] : [data]), ...steps, ...unknown];
  const joined = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('');
  return (joined.replace(/^\./, '') || type).slice(0, 200);
}

/** @throws WritError `invalid_request` that names the first offending field. Nest's own pipe would not name it by itself. */
@Injectable()
export class SchemaPipe implements PipeTransform {
  async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (!metadata.schema) return value;
    const result = await metadata.schema['~standard'].validate(value);
    if (!result.issues) return result.value;
    const [issue] = result.issues;
    if (!issue) throw new WritError('invalid_request', 'The request is not valid.');
    const field = fieldOf(issue, metadata);
    throw new WritError('invalid_request', `${field}: ${issue.message}`.slice(0, 500), { field });
  }
}
