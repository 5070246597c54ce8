// The border of REST: every body, query and path parameter goes through the zod schema that its decorator names.
import { Injectable } from '@nestjs/common';
import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { validated } from './validation.js';

/** @throws WritError `invalid_request` that names the first offending field. Nest's own pipe would not name it by itself. */
@Injectable()
export class SchemaPipe implements PipeTransform {
  transform(value: unknown, { schema, type, data }: ArgumentMetadata): Promise<unknown> {
    if (!schema) return Promise.resolve(value);
    return validated(schema, value, { whole: type, member: data });
  }
}
