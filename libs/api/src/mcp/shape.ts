// The shape of a tool's arguments as MCP lists it. It is checked by us, so that a refusal is the same as over REST.
import { z } from 'zod';

export function anything(schema: z.ZodObject) {
  const json = () => z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>;
  return {
    '~standard': {
      version: 1 as const,
      vendor: 'writ',
      validate: (value: unknown) => ({ value }),
      jsonSchema: { input: json, output: json },
    },
  };
}
