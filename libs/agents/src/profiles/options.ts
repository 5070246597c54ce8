// The part of a spoke's configuration that says who its agents are: profiles by agent type, runtimes by name, the skills it lends.
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { profileName, runtimeName, type AgentType } from '#protocol';
import { acpOptions } from '../runtimes/acp/acp.options.js';
import { claudeOptions } from '../runtimes/claude/claude.options.js';
import { commandOptions } from '../runtimes/command/command.options.js';
import type { AgentProfile } from '../runtimes/runtime.js';
import { builtinProfiles } from './builtin.js';

const toolNames = ['bash', 'read', 'write', 'edit', 'glob', 'grep'] as const;

/** A profile in the configuration: what is given replaces that member of the built-in one. */
function profileOf(builtin: AgentProfile) {
  return z
    .strictObject({
      /** What the model is told of its part. */
      systemPrompt: z.string().trim().min(1).max(100_000).default(builtin.systemPrompt),
      /** What it may use. */
      tools: z
        .array(z.enum(toolNames))
        .max(toolNames.length)
        .default(builtin.tools as (typeof toolNames)[number][]),
      /** Whether its worktree can be written to. */
      writes: z.boolean().default(builtin.writes),
      /** The shape of what it has to hand in. */
      result: z.enum(['changes', 'findings', 'verdict']).default(builtin.result),
      /** Of `runtimes`; used when the request names none. */
      runtime: runtimeName.default('claude'),
      /** Used when the request names none; absent means the runtime's default. */
      model: z.string().min(1).max(128).optional(),
    })
    .refine(({ writes, tools }) => writes || !tools.some((tool) => tool === 'write' || tool === 'edit'), {
      path: ['tools'],
      message: 'has tools that write, but writes is false',
    })
    .refine(({ writes, result }) => writes || result !== 'changes', {
      path: ['result'],
      message: 'asks for changes, but writes is false',
    });
}

export const profileOptions = z
  .strictObject({
    worker: profileOf(builtinProfiles.worker).prefault({}),
    reviewer: profileOf(builtinProfiles.reviewer).prefault({}),
    tester: profileOf(builtinProfiles.tester).prefault({}),
  } satisfies Record<AgentType, z.ZodType>)
  .prefault({});
export type ProfileOptions = z.infer<typeof profileOptions>;

export const runtimeOptions = z
  .record(runtimeName, z.discriminatedUnion('kind', [claudeOptions, commandOptions, acpOptions]))
  .prefault({ claude: { kind: 'claude' } });
export type RuntimeOptions = z.infer<typeof runtimeOptions>;

/** The allow-list: a name, and the folder on this machine that has its SKILL.md. */
export const skillOptions = z
  .record(profileName, z.string().max(4_096).refine(isAbsolute, 'must be an absolute path'))
  .prefault({});
export type SkillOptions = z.infer<typeof skillOptions>;
