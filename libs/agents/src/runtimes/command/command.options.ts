// What a spoke's configuration says of a runtime of kind `command`.
import { z } from 'zod';
import { programModel } from '../../model/options.js';

export const commandOptions = z.strictObject({
  /** Any program. */
  kind: z.literal('command'),
  /** Run in the sandbox at `/work`; `argv[0]` is looked up inside. Never a shell string. */
  argv: z.tuple([z.string().min(1).max(4_096)], z.string().max(32_768)),
  /**
   * Whether the program may use a model: `true` for the API of Anthropic, or where else. It then finds `ANTHROPIC_BASE_URL`
   * and `ANTHROPIC_API_KEY` in its environment; the key there is a token of the agent.
   */
  model: programModel,
  /** Added to the environment inside. Not for secrets: the agent can read it. */
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string().max(32_768)).default({}),
});
export type CommandOptions = z.infer<typeof commandOptions>;
