// What the form holds, and the request it makes of it.
import type { AgentType, Grant, SpawnRequestBody, Spoke } from '#protocol';
import { agentTypes } from '../agents/filters.js';

/** What may be chosen: all that the grant of the chosen spoke allows, or anything where none is chosen. */
export interface Choices {
  readonly types: readonly AgentType[];
  readonly runtimes: readonly string[];
  /** Undefined: any. */
  readonly models: readonly string[] | undefined;
  /** Whole URLs that the grant names; patterns are for the spoke to judge. */
  readonly repositories: readonly string[];
  readonly patterns: readonly string[];
}

export function choicesOf(grants: readonly Grant[]): Choices {
  const all = <T>(of: (grant: Grant) => readonly T[]) => [...new Set(grants.flatMap(of))];
  const patterns = all(({ repositories }) => repositories);
  const models = grants.every((grant) => grant.models !== undefined) && grants.length > 0;
  return {
    types: grants.length === 0 ? agentTypes : all((grant) => grant.agentTypes),
    runtimes: all((grant) => grant.runtimes),
    models: models ? all((grant) => grant.models ?? []) : undefined,
    repositories: patterns.filter((pattern) => !pattern.includes('*')),
    patterns: patterns.filter((pattern) => pattern.includes('*')),
  };
}

/** Whom this hub may ask for an agent now. */
export const takesSpawns = ({ state, grant }: Spoke) =>
  state === 'active' && grant !== undefined && grant.grant.operations.includes('agent.spawn');

const text = (form: FormData, name: string) => {
  const value = form.get(name);
  return typeof value === 'string' ? value.trim() : '';
};

/** A number of the form, in the unit of the request; nothing when it is left empty. */
function figure(form: FormData, name: string, unit: number): number | undefined {
  const said = text(form, name);
  return said === '' ? undefined : Math.round(Number(said) * unit);
}

/** Only what was given: the spoke's own defaults hold for the rest. */
function given<T extends object>(parts: T): Partial<T> {
  const kept = Object.entries(parts).filter(([, value]) => value !== undefined && value !== '');
  return Object.fromEntries(kept) as Partial<T>;
}

/** Work items are set apart by an empty line. */
const itemsOf = (said: string) =>
  said
    .split(/\n\s*\n/)
    .map((item) => item.trim())
    .filter((item) => item !== '');

export function requestOf(form: FormData): SpawnRequestBody {
  const spoke = text(form, 'spoke');
  const limits = given({
    moneyMicroUsdMax: figure(form, 'money', 1e6),
    turnsMax: figure(form, 'turns', 1),
    wallMs: figure(form, 'minutes', 60_000),
  });
  const options = given({
    ...{ runtime: text(form, 'runtime'), model: text(form, 'model'), session: text(form, 'session') },
    limits: Object.keys(limits).length > 0 ? limits : undefined,
    push: form.get('push') === 'on' ? {} : undefined,
  });
  return {
    ...(form.has('spoke') && { spoke: spoke === '' ? { any: true as const } : spoke }),
    taskId: text(form, 'taskId'),
    agentType: text(form, 'agentType') as AgentType,
    context: {
      ...{ repository: text(form, 'repository'), branch: text(form, 'branch') },
      workItems: itemsOf(text(form, 'workItems')),
    },
    options,
  };
}
