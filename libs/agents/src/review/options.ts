// What a spoke's configuration says of the work of its agents: which commands have to pass, and what may leave.
import { z } from 'zod';
import { agentType, pattern } from '#protocol';
import { secretOptions } from '../secrets/options.js';

/** Never a shell string; `argv[0]` is looked up inside the sandbox. */
const argv = z.tuple([z.string().min(1).max(4_096)], z.string().max(32_768));

const gates = z.strictObject({
  repositories: z.array(pattern).min(1).max(200),
  /** Whose work they judge. */
  agentTypes: z.array(agentType).max(3).default(['worker']),
  commands: z.array(argv).min(1).max(20),
});

export const reviewOptions = z.strictObject({
  /** Commands that have to pass before an agent is completed, by repository: `repositories`, `agentTypes`, `commands`. All entries that match count, and a caller can only add. */
  gates: z.array(gates).max(200).default([]),
  /** How often one agent is told in one turn what did not pass, and may go on; then it fails. */
  handBacksMax: z.int().min(0).max(20).default(2),
  /** How long one command may take; the agent's own limits hold beside it. */
  gateMs: z.int().min(100).max(86_400_000).default(600_000),
  secrets: secretOptions.prefault({}),
});
export type ReviewOptions = z.output<typeof reviewOptions>;
export type ReviewInput = z.input<typeof reviewOptions>;
