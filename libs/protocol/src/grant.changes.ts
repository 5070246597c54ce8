// What another grant would change, in words and for programs: more, less, or the same said otherwise, and from when on.
import { sandboxLevels } from './agent.js';
import { coversHost } from './egress.js';
import type { Grant } from './grant.js';
import { coversPattern } from './pattern.js';

/** `same`: said otherwise, or covered by what stands there already. */
export type GrantEffect = 'more' | 'less' | 'same';

export interface GrantChange {
  /** `operations`, `limits.turnsMax`. */
  readonly field: string;
  /** What it means for the hub. */
  readonly effect: GrantEffect;
  /** `at_once` also holds for agents that run; the others keep what they were spawned with. */
  readonly from: 'at_once' | 'next_spawn';
  /** One sentence for people. */
  readonly words: string;
}

const atOnce = new Set(['operations', 'perDay.tokens', 'perDay.moneyMicroUsd', 'hubLost', 'egress']);

type Said = Omit<GrantChange, 'from'>;
type Covers = (wide: string, narrow: string) => boolean;
const equal: Covers = (a, b) => a === b;

const lists = {
  operations: ['ask for', equal],
  agentTypes: ['spawn', equal],
  repositories: ['work on', coversPattern],
  branches: ['start from', coversPattern],
  push: ['push to', coversPattern],
  egress: ['reach', coversHost],
  runtimes: ['run', equal],
} as const satisfies Partial<Record<keyof Grant, readonly [string, Covers]>>;

/** Every difference between two grants; none when they say the same. */
export function grantChanges(before: Grant, after: Grant): GrantChange[] {
  const said = [
    ...Object.entries(lists).flatMap(([field, [verb, covers]]) => {
      const name = field as keyof typeof lists;
      return listChanges(field, verb, covers, before[name] ?? [], after[name] ?? []);
    }),
    ...modelChanges(before.models, after.models),
    ...orderChange(
      'sandbox',
      -level(before),
      -level(after),
      `the sandbox is ${after.sandbox} or stronger`,
      before.sandbox,
    ),
    ...numberChanges(before, after),
    ...orderChange('gates', adding(before), adding(after), addingWords(after), addingWords(before)),
    ...orderChange('hubLost', patience(before), patience(after), lostWords(after), lostWords(before)),
    ...orderChange('approval', freedom(before), freedom(after), approvalWords(after), approvalWords(before)),
  ];
  return said.map((change) => ({ ...change, from: atOnce.has(change.field) ? 'at_once' : 'next_spawn' }));
}

function listChanges(
  field: string,
  verb: string,
  covers: Covers,
  before: readonly string[],
  after: readonly string[],
): Said[] {
  const isIn = (list: readonly string[]) => (one: string) => list.some((other) => covers(other, one));
  const [added, gone] = [without(after, before), without(before, after)];
  const [fresh, covered] = split(added, isIn(before));
  const [lost, still] = split(gone, isIn(after));
  const said: [GrantEffect, string, readonly string[]][] = [
    ['more', `it may ${verb}`, fresh],
    ['less', `it may no longer ${verb}`, lost],
    ['same', `covered already, to ${verb}`, covered],
    ['same', `still covered, to ${verb}`, still],
  ];
  return said.flatMap(([effect, words, items]) =>
    items.length > 0 ? [{ field, effect, words: `${words}: ${items.join(', ')}` }] : [],
  );
}

function split(items: readonly string[], test: (item: string) => boolean): [string[], string[]] {
  return [items.filter((item) => !test(item)), items.filter(test)];
}

const without = (list: readonly string[], other: readonly string[]) => list.filter((item) => !other.includes(item));

/** No list is any model. */
function modelChanges(before: Grant['models'], after: Grant['models']): Said[] {
  if (before && after) return listChanges('models', 'use the model', equal, before, after);
  if (after)
    return [{ field: 'models', effect: 'less', words: `it may use only the models ${after.join(', ') || '(none)'}` }];
  return before ? [{ field: 'models', effect: 'more', words: 'it may use any model that this spoke offers' }] : [];
}

function numberChanges(before: Grant, after: Grant): Said[] {
  const [old, next] = [figures(before), figures(after)];
  return [...new Set([...old.keys(), ...next.keys()])].flatMap((field) => {
    const [was, is] = [old.get(field) ?? Infinity, next.get(field) ?? Infinity];
    return orderChange(field, was, is, `${field} is ${bound(is)}`, bound(was));
  });
}

const bound = (figure: number) => (figure === Infinity ? 'without a limit here' : `${figure} at most`);

function figures({ concurrentMax, startsPerMinute, limits, perDay = {} }: Grant): Map<string, number> {
  const named = [
    ...Object.entries({ concurrentMax, startsPerMinute }),
    ...Object.entries(limits).map(([name, figure]) => [`limits.${name}`, figure] as const),
    ...Object.entries(perDay).map(([name, figure]) => [`perDay.${name}`, figure] as const),
  ];
  return new Map(named.filter((pair): pair is [string, number] => pair[1] !== undefined));
}

/** Higher allows more. */
function orderChange(field: string, before: number, after: number, words: string, was: string): Said[] {
  if (before === after) return [];
  return [{ field, effect: after > before ? 'more' : 'less', words: `${words} (${was} before)` }];
}

const level = ({ sandbox }: Grant) => sandboxLevels.indexOf(sandbox);
const patience = ({ hubLost }: Grant) => (hubLost === 'continue' ? Infinity : hubLost.stopAfterS);
const freedom = ({ approval }: Grant) => (approval === 'none' ? Infinity : approval.withinS);
const adding = ({ gates }: Grant) => (gates === true ? 1 : 0);
const addingWords = ({ gates }: Grant) =>
  gates === true ? 'a spawn may add gates of its own' : 'a spawn adds no gates of its own';
const lostWords = ({ hubLost }: Grant) =>
  hubLost === 'continue'
    ? 'its agents go on without the hub'
    : `its agents stop ${hubLost.stopAfterS} s after the hub is lost`;
const approvalWords = ({ approval }: Grant) =>
  approval === 'none'
    ? 'no person has to approve a spawn'
    : `a person has to approve each spawn within ${approval.withinS} s`;
