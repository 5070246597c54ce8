// `writ grants`, and how a grant is put together from flags: what a spoke lets a hub do.
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { grant as grantSchema, WritError } from '#protocol';
import type { Grant, GrantInput } from '#protocol';
import { Desk, several } from '../desk.js';
import type { World } from '../world.js';

export interface GrantFlags {
  readonly grant?: string;
  readonly allow?: string[];
  readonly repo?: string[];
  readonly branch?: string[];
  readonly push?: string[];
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
    .option('--grant <file>', 'the whole grant, as JSON')
    .option('--allow <type>', 'agent type it may spawn: worker, reviewer, tester (repeatable)', several)
    .option('--repo <pattern>', 'repositories, as URL pattern: https://github.com/acme/* (repeatable)', several)
    .option('--branch <pattern>', 'branches, all by default (repeatable)', several)
    .option(
      '--push <pattern>',
      'branches it may push to, none by default; the default branch in full (repeatable)',
      several,
    )
    .option('--runtime <name>', 'runtimes, `claude` by default (repeatable)', several)
    .option('--agents <n>', 'how many agents at once, 5 by default')
    .option('--approval <seconds>', 'a person has to approve each spawn within so long (`writ approve`)')
    .option('--agents-per-day <n>', 'how many agents a day (UTC), without limit by default')
    .option('--tokens-per-day <n>', 'tokens of all its agents a day (UTC), without limit by default')
    .option('--usd-per-day <amount>', 'US dollars of all its agents a day (UTC), without limit by default')
    .option('--starts-per-minute <n>', 'how many agents in 60 seconds, without limit by default');
}

function fromFile(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new WritError('invalid_request', `--grant: ${file} cannot be read as JSON.`, { field: '--grant', cause });
  }
}

const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));

/** Undefined when no flag asks for it. */
function perDay({ agentsPerDay, tokensPerDay, usdPerDay }: GrantFlags): unknown {
  if ([agentsPerDay, tokensPerDay, usdPerDay].every((flag) => flag === undefined)) return undefined;
  const moneyMicroUsd = usdPerDay === undefined ? undefined : Math.round(Number(usdPerDay) * 1e6);
  return { agents: number(agentsPerDay), tokens: number(tokensPerDay), moneyMicroUsd };
}

function fromFlags(flags: GrantFlags): unknown {
  const { allow, repo, branch, push, runtime, agents, approval, startsPerMinute } = flags;
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
    runtimes: runtime,
    concurrentMax: number(agents),
    approval: approval === undefined ? undefined : { withinS: Number(approval) },
    perDay: perDay(flags),
    startsPerMinute: number(startsPerMinute),
  };
}

/** Without flags: status only. @throws WritError `invalid_request` that names the field. */
export function grantFrom(flags: GrantFlags): Grant {
  const parsed = grantSchema.safeParse(flags.grant === undefined ? fromFlags(flags) : fromFile(flags.grant));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') ?? 'grant';
  throw new WritError('invalid_request', `${field || 'grant'}: ${issue?.message ?? 'is not valid'}`, { field });
}

/** What a grant says, for people. */
export function grantLines(grant: Grant): [string, string][] {
  const figures = (values: object = {}) =>
    Object.entries(values)
      .map(([name, value]) => `${name}=${value}`)
      .join(', ');
  const list = (values: readonly string[] | undefined, none: string) =>
    values && values.length > 0 ? values.join(', ') : none;
  return [
    ['operations', list(grant.operations, 'none')],
    ['agent types', list(grant.agentTypes, 'none')],
    ['repositories', list(grant.repositories, 'none')],
    ['branches', list(grant.branches, 'none')],
    ['push to', list(grant.push, 'none')],
    ['runtimes', list(grant.runtimes, 'none')],
    ['models', list(grant.models, 'any that this spoke offers')],
    ['sandbox', `at least ${grant.sandbox}`],
    ['at once', `${grant.concurrentMax} agents`],
    ['approval', typeof grant.approval === 'object' ? `by a person, within ${grant.approval.withinS} s` : 'not needed'],
    ['limits', figures(grant.limits) || 'this spoke’s own'],
    ['a day', figures(grant.perDay) || 'no limit'],
    ['in 60 s', grant.startsPerMinute === undefined ? 'no limit' : `${grant.startsPerMinute} agents`],
    ['hub lost', grant.hubLost === 'continue' ? 'agents go on' : `agents stop after ${grant.hubLost.stopAfterS} s`],
  ];
}

export function addGrants(program: Command, world: World): void {
  const grants = program.command('grants').description('What this spoke lets a hub do: allow-lists and ceilings only');
  grants
    .command('show <hub>')
    .description('Show the grant of a hub')
    .action(async (hub: string, _options, command: Command) => {
      const desk = new Desk(world, command);
      const found = await desk.with('spoke', (client) => client.hubs.grant(hub));
      desk.print.one(found, [['version', found.version], ...grantLines(found.grant)]);
    });
  takesGrant(grants.command('set <hub>'))
    .description('Replace the grant of a hub, at once')
    .addHelpText(
      'after',
      '\nExamples:\n  writ grants set hub-1 --allow worker --repo "https://github.com/acme/*"\n  writ grants show hub-1 -o json | jq .grant > grant.json && writ grants set hub-1 --grant grant.json',
    )
    .action(async (hub: string, options: GrantFlags, command: Command) => {
      const desk = new Desk(world, command);
      const grant = grantFrom(options);
      const set = await desk.with('spoke', (client) => client.hubs.setGrant(hub, { grant }));
      desk.print.one(set, [['version', set.version], ...grantLines(set.grant)]);
    });
}
