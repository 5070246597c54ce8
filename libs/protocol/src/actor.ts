// Who does something: known to agents, questions and acts alike.
import { z } from 'zod';

/** Who did something: a person or program with an API key, a peer, or the spoke itself. */
export const actor = z.strictObject({ kind: z.enum(['key', 'peer', 'system']), id: z.string().min(1).max(128) });
export type Actor = z.infer<typeof actor>;
