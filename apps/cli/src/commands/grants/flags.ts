// How a grant is put together from flags, on `writ join` and `writ grants set`.
import type { Command } from 'commander';
import { readGrant, WritError } from '#protocol';
import type { Grant, GrantInput } from '#protocol';
import { several } from '../../desk.js';
import { faultLines, grantText } from './text.js';

export interface GrantFlags {
  readonly grant?: string;
  readonly allow?: string[];
  readonly repo?: string[];
  readonly branch?: string[];
  readonly push?: string[];
  readonly gates?: boolean;
  readonly egress?: string[];
  readonly runtime?: string[];
  readonly agents?: string;
  readonly approval?: string;
  readonly agentsPerDay?: string;
  readonly tokensPerDay?: string;
  readonly usdPerDay?: string;
  readonly startsPerMinute?: string;
}

const toSpawn: GrantInput['operations'] = [
  'agent.spawn',
  'agent.send',
  'agent.close',
  'agent.checkpoints',
  'agent.restore',
  'agent.status',
  'agent.kill',
  'agents.kill',
  'agents.resume',
  'agent.list',
  'agent.output',
  'agent.artifact',
  'instance.info',
];

/** The flags that make a grant, on any command that takes one. */
export function takesGrant(command: Command): Command {
  return command
    .option('--grant <file>', 'the whole grant, as JSON; `-` reads it from standard input')
    .option('--allow <type>', 'agent type it may spawn: worker, reviewer, tester (repeatable)', several)
    .option('--repo <pattern>', 'repositories, as URL pattern: https://github.com/acme/* (repeatable)', several)
    .option('--branch <pattern>', 'branches, all by default (repeatable)', several)
    .option(
      '--push <pattern>',
      'branches it may push to, none by default; the default branch in full (repeatable)',
      several,
    )
    .option('--gates', 'its spawns may add commands of their own that have to pass (`writ spawn --gate`)')
    .option('--egress <host>', 'hosts its agents may reach, none by default: registry.npmjs.org (repeatable)', several)
    .option('--runtime <name>', 'runtimes, `claude` by default (repeatable)', several)
    .option('--agents <n>', 'how many agents at once, 5 by default')
    .option('--approval <seconds>', 'a person has to approve each spawn within so long (`writ approve`)')
    .option('--agents-per-day <n>', 'how many agents a day (UTC), without limit by default')
    .option('--tokens-per-day <n>', 'tokens of all its agents a day (UTC), without limit by default')
    .option('--usd-per-day <amount>', 'US dollars of all its agents a day (UTC), without limit by default')
    .option('--starts-per-minute <n>', 'how many agents in 60 seconds, without limit by default');
}

const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));

/** Undefined when no flag asks for it. */
function perDay({ agentsPerDay, tokensPerDay, usdPerDay }: GrantFlags): unknown {
  if ([agentsPerDay, tokensPerDay, usdPerDay].every((flag) => flag === undefined)) return undefined;
  const moneyMicroUsd = usdPerDay === undefined ? undefined : Math.round(Number(usdPerDay) * 1e6);
  return { agents: number(agentsPerDay), tokens: number(tokensPerDay), moneyMicroUsd };
}

function fromFlags(flags: GrantFlags): unknown {
  const { allow, repo, branch, push, gates, egress, runtime, agents, approval, startsPerMinute } = flags;
  if (!allow && !repo) return { operations: ['agent.status'] };
  if (!allow || !repo)
    throw new WritError('invalid_request', 'Name both: --allow worker --repo PATTERN.', {
      field: allow ? '--repo' : '--allow',
    });
  return {
    operations: toSpawn,
    agentTypes: allow,
    repositories: repo,
    branches: branch,
    push,
    gates,
    egress,
    runtimes: runtime,
    concurrentMax: number(agents),
    approval: approval === undefined ? undefined : { withinS: Number(approval) },
    perDay: perDay(flags),
    startsPerMinute: number(startsPerMinute),
  };
}

/** Without flags: status only. @throws WritError `invalid_request` that names every fault. */
export function grantFrom(flags: GrantFlags): Grant {
  return flags.grant === undefined ? grantOf(fromFlags(flags), 'grant') : grantOf(grantText(flags.grant), flags.grant);
}

/** @throws WritError `invalid_request` that names every fault; `where` is what the value came from. */
export function grantOf(value: unknown, where: string): Grant {
  const reading = readGrant(value);
  if (reading.ok) return reading.grant;
  const field = reading.faults[0]?.path ?? 'grant';
  throw new WritError('invalid_request', `${where} is no grant:\n${faultLines(reading.faults).join('\n')}`, { field });
}
