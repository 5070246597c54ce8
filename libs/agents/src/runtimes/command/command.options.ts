// What a spoke's configuration says of a runtime of kind `command`.
import { z } from 'zod';

export const commandOptions = z.strictObject({
  kind: z.literal('command'),
  /** Run in the sandbox at `/work`; `argv[0]` is looked up inside. Never a shell string. */
  argv: z.tuple([z.string().min(1).max(4_096)], z.string().max(32_768)),
  /** Added to the environment inside. Not for secrets: the agent can read it. */
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string().max(32_768)).default({}),
});
export type CommandOptions = z.infer<typeof commandOptions>;
