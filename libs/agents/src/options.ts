// What a spoke's admin may set about agents. Compiled once, with every default; nothing in this room reads another source.
import { z } from 'zod';
import { limits } from '#protocol';
import { poolOptions } from './pool/options.js';
import { egressHosts } from './egress/options.js';
import { gcOptions } from './gc/options.js';

const ms = (fallback: number, max = 86_400_000) => z.int().min(1).max(max).default(fallback);

export const agentsOptions = z.strictObject({
  /** Folder for output spools and what recovery needs; one instance owns it. */
  stateDir: z.string().min(1).max(4_096),
  /** Live agents (spawning and running) over all owners. */
  agentsMax: z.int().min(0).max(100_000).default(20),
  /** Agents between the backlog and `running` at once; as many may be harvested and cleaned up at once. */
  startsMax: z.int().min(1).max(1_000).default(4),
  /** From SIGTERM to SIGKILL. */
  graceMs: z.int().min(0).max(600_000).default(10_000),
  /** Used where a request names no limit of that kind. Kernel limits among them are asked for only where they can be enforced. */
  limits: limits.default({
    turnsMax: 200,
    tokensMax: 20_000_000,
    moneyMicroUsdMax: 20_000_000,
    wallMs: 3_600_000,
    outputBytesMax: 64 * 2 ** 20,
    memoryBytesMax: 4 * 2 ** 30,
    pidsMax: 512,
  }),
  /** What no request and no grant may exceed; a limit that stands here is always enforced. */
  ceilings: limits.default({}),
  /** Hosts that agents may be let reach at all. */
  egress: egressHosts.default([]),
  /** Warm backends of sessions. */
  pool: poolOptions.prefault({}),
  /** How long a session may live, from its spawn. */
  sessionTtlMs: ms(86_400_000, 14 * 86_400_000),
  /** What is remembered of one session's conversation; one that outgrows it fails. */
  sessionBytesMax: z
    .int()
    .min(1_024)
    .max(2 ** 28)
    .default(32 * 2 ** 20),
  /** What the home of a session's agent may hold on disk, where its runtime keeps one (`acp`); a session whose home outgrows it fails. */
  sessionHomeBytesMax: z
    .int()
    .min(2 ** 20)
    .max(2 ** 36)
    .default(512 * 2 ** 20),
  /** First bytes of an agent's output that are also published as text. */
  outputInlineBytesMax: z
    .int()
    .min(0)
    .max(2 ** 30)
    .default(2 ** 20),
  /** How long output waits for more before it is written and announced. */
  outputFlushMs: ms(50, 10_000),
  /** How long the output of an ended agent stays readable. */
  outputKeepMs: ms(7 * 86_400_000, 400 * 86_400_000),
  /** The largest branch that is handed out as a git bundle. */
  bundleBytesMax: z
    .int()
    .min(1_024)
    .max(2 ** 36)
    .default(256 * 2 ** 20),
  /** Bundles that are kept on disk for those who fetch them, all together; the oldest go, and are made anew when somebody asks. */
  bundlesBytesMax: z
    .int()
    .min(0)
    .max(2 ** 40)
    .default(2 ** 30),
  /** Without a renewal for so long this process counts as gone. Renewed at a third of it. */
  leaseMs: ms(45_000),
  /** How often lost leases and failed clean-up steps are looked for. */
  sweepMs: ms(30_000),
  gc: gcOptions.prefault({}),
  /** A call to the store. */
  storeMs: ms(5_000),
  /** One step of a stop or a clean-up, beyond the grace. */
  stepMs: ms(30_000),
  /** How long an acknowledged kill may take beyond the grace before it answers with what is left. */
  killMs: ms(5_000),
  /** Agents of other processes that one kill-all looks after at the same time; those of this one are all stopped at once. */
  killWidthMax: z.int().min(1).max(1_000).default(32),
  /** How long the kill of an unknown agent is remembered. */
  tombstoneMs: ms(48 * 3_600_000, 30 * 86_400_000),
  /** Of one owner; the oldest is forgotten first. */
  tombstonesMax: z.int().min(1).max(1_000).default(1_000),
});

/** Compiled: every field is there. */
export type AgentsOptions = z.output<typeof agentsOptions>;
export type AgentsOptionsInput = z.input<typeof agentsOptions>;
