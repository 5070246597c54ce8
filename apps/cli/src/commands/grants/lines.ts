// A grant, and what an edit of it changes, for people.
import type { Grant, GrantChange } from '#protocol';

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
    ['gates', grant.gates === true ? 'it may add its own' : 'this spoke’s own'],
    ['may reach', list(grant.egress, 'nothing: no network')],
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

const signs = { more: '+', less: '-', same: '=' } as const;

/** One line a change: `+` more for the hub, `-` less, `=` the same said otherwise. */
export function changeLines(changes: readonly GrantChange[]): string[] {
  return changes.map(({ field, effect, from, words }) => {
    const when = from === 'at_once' ? 'at once, also for agents that run' : 'from the next spawn on';
    return `${signs[effect]} ${field}: ${words}${effect === 'same' ? '' : ` [${when}]`}`;
  });
}
