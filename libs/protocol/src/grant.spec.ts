import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import {
  compilePattern,
  coversPattern,
  grant,
  grantChanges,
  grantJsonSchema,
  operationNames,
  permits,
  readGrant,
  spawnArgs,
  type Grant,
  type GrantInput,
} from './index.js';

const base: GrantInput = {
  operations: ['agent.status', 'agent.spawn'],
  agentTypes: ['worker'],
  repositories: ['https://git.example/acme/*'],
};
const granted = (change: Partial<GrantInput> = {}) => grant.parse({ ...base, ...change });
const changed = (change: Partial<GrantInput>, before: Partial<GrantInput> = {}) =>
  grantChanges(granted(before), granted(change)).map(({ field, effect, from }) => `${effect} ${field} ${from}`);

const patterns = ['https://git.example/acme/*', 'https://git.example/**', 'https://git.example/acme/web', '**', 'main'];
const anyGrant = fc
  .record({
    operations: fc.subarray([...operationNames]),
    agentTypes: fc.subarray(['worker', 'reviewer', 'tester'] as const),
    repositories: fc.subarray(patterns),
    branches: fc.subarray(['**', '*', 'main', 'release/*']),
    push: fc.option(fc.subarray(['writ/*', 'main']), { nil: undefined }),
    egress: fc.option(fc.subarray(['a.test', '*.a.test', 'x.a.test', 'a.test:80']), { nil: undefined }),
    runtimes: fc.subarray(['claude', 'shell']),
    models: fc.option(fc.subarray(['a', 'b']), { nil: undefined }),
    sandbox: fc.constantFrom('none' as const, 'unshare' as const, 'docker' as const),
    limits: fc.record({ turnsMax: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }) }),
  })
  .map((input) => grant.parse(input));
const anySpawn = fc
  .record({
    agentType: fc.constantFrom('worker', 'reviewer'),
    repository: fc.constantFrom(
      'https://git.example/acme/web',
      'https://git.example/other/web',
      'https://else.example/x',
    ),
    branch: fc.constantFrom('main', 'release/1', 'a/b/c'),
    runtime: fc.option(fc.constantFrom('claude', 'shell'), { nil: undefined }),
    model: fc.option(fc.constantFrom('a', 'b'), { nil: undefined }),
    sandbox: fc.option(fc.constantFrom('none' as const, 'docker' as const), { nil: undefined }),
    turnsMax: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    push: fc.option(fc.constantFrom('main', 'writ/1'), { nil: undefined }),
    egress: fc.option(fc.constantFrom(['a.test'], ['x.a.test', '*.a.test'], ['a.test:80']), { nil: undefined }),
  })
  .map(({ agentType, repository, branch, runtime, model, sandbox, turnsMax, push, egress }) =>
    spawnArgs.parse({
      ...{ taskId: 't', agentType, context: { repository, branch, workItems: ['x'] } },
      options: {
        runtime,
        model,
        sandbox,
        limits: { turnsMax },
        push: push === undefined ? undefined : { branch: push },
        egress,
      },
    }),
  );

describe('what an edit of a grant changes', () => {
  test('the same grant changes nothing', () => expect(changed({})).toEqual([]));

  const cases: [string, Partial<GrantInput>, string[]][] = [
    ['an operation less', { operations: ['agent.status'] }, ['less operations at_once']],
    ['another type', { agentTypes: ['tester'] }, ['more agentTypes next_spawn', 'less agentTypes next_spawn']],
    [
      'a wider pattern instead',
      { repositories: ['https://git.example/**'] },
      ['more repositories next_spawn', 'same repositories next_spawn'],
    ],
    ['a pattern that is covered', { branches: ['**', 'main'] }, ['same branches next_spawn']],
    ['a stronger floor', { sandbox: 'docker' }, ['less sandbox next_spawn']],
    ['a first ceiling', { limits: { turnsMax: 3 } }, ['less limits.turnsMax next_spawn']],
    ['fewer at once', { concurrentMax: 4 }, ['less concurrentMax next_spawn']],
    ['money a day', { perDay: { moneyMicroUsd: 1 } }, ['less perDay.moneyMicroUsd at_once']],
    ['gates of its own', { gates: true }, ['more gates next_spawn']],
    ['agents a day', { perDay: { agents: 1 } }, ['less perDay.agents next_spawn']],
    ['a list of models', { models: ['a'] }, ['less models next_spawn']],
    ['an end without the hub', { hubLost: { stopAfterS: 60 } }, ['less hubLost at_once']],
    ['approval', { approval: { withinS: 60 } }, ['less approval next_spawn']],
    ['another branch', { branches: ['main'] }, ['less branches next_spawn', 'same branches next_spawn']],
    ['a branch to push to', { push: ['writ/*'] }, ['more push next_spawn']],
    ['a host to reach', { egress: ['*.a.test'] }, ['more egress at_once']],
    ['another runtime', { runtimes: ['claude', 'shell'] }, ['more runtimes next_spawn']],
    ['starts a minute', { startsPerMinute: 2 }, ['less startsPerMinute next_spawn']],
  ];

  test.each(cases)('%s is told as such, and its way back as the opposite', (_name, change, said) => {
    expect(changed(change)).toEqual(said);
    const turned = said.map((line) => line.replace(/^more|^less/, (word) => (word === 'more' ? 'less' : 'more')));
    expect(changed({}, change).sort()).toEqual(turned.sort());
  });

  test('no field of a grant changes in silence', () => {
    const told = cases.flatMap(([, change]) => grantChanges(granted(), granted(change)).map(({ field }) => field));
    const fields = new Set(told.map((field) => field.split('.')[0]));
    expect(Object.keys(grant.shape).filter((field) => !fields.has(field))).toEqual([]);
  });

  test('the words name what is allowed now and what was before', () => {
    const words = grantChanges(granted(), granted({ concurrentMax: 2, operations: ['agent.status'] }));
    expect(words.map(({ words: said }) => said)).toEqual([
      'it may no longer ask for: agent.spawn',
      'concurrentMax is 2 at most (5 at most before)',
    ]);
  });

  test('an edit that is told as no less lets pass all that passed before, and as no more nothing that did not', () => {
    fc.assert(
      fc.property(anyGrant, anyGrant, anySpawn, (before: Grant, after: Grant, args) => {
        const effects = grantChanges(before, after).map(({ effect }) => effect);
        const [was, is] = [before, after].map((one) => permits(one, 'agent.spawn', args).ok);
        if (!effects.includes('less') && was) expect(is).toBe(true);
        if (!effects.includes('more') && is) expect(was).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  test('a pattern that covers another matches whatever that one matches', () => {
    const piece = fc.constantFrom('*', '**', 'a', 'b', '/');
    const text = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 6 }).map((parts) => parts.join(''));
    const pattern = fc.array(piece, { maxLength: 5 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(pattern, pattern, text, (wide, narrow, one) => {
        if (coversPattern(wide, narrow) && compilePattern(narrow)(one)) expect(compilePattern(wide)(one)).toBe(true);
      }),
      { numRuns: 5_000 },
    );
    expect(coversPattern('https://a/**', 'https://a/*/b')).toBe(true);
    expect(coversPattern('https://a/*', 'https://a/**')).toBe(false);
  });
});

describe('a grant that is written by hand', () => {
  test('the schema that is printed takes and refuses what the spoke does', () => {
    const printed = z.fromJSONSchema(JSON.parse(JSON.stringify(grantJsonSchema())) as z.core.JSONSchema.JSONSchema);
    const values: unknown[] = [
      ...[base, granted(), { ...base, $schema: './grant.schema.json' }, { operations: [] }, null, [], {}],
      ...[
        { ...base, sudo: true },
        { ...base, concurrentMax: 1.5 },
        { ...base, sandbox: 'jail' },
      ],
      ...[
        { ...base, hubLost: { stopAfterS: 44 } },
        { ...base, hubLost: 'continue' },
        { ...base, approval: 'yes' },
      ],
      ...[
        { ...base, repositories: ['a b'] },
        { ...base, limits: { turnsMax: 0 } },
        { ...base, perDay: { x: 1 } },
      ],
    ];
    const verdicts = values.map((value) => readGrant(value).ok);
    expect(values.map((value) => printed.safeParse(value).success)).toEqual(verdicts);
    expect(verdicts.filter(Boolean)).toHaveLength(5);
  });

  test('every fault is named by its place, with what stands there and what is allowed', () => {
    const reading = readGrant({
      operations: ['agent.status', 'root'],
      sudo: true,
      concurrentMax: -1,
      limits: { turnsMax: 'many', fast: 1 },
      repositories: ['a b'],
      hubLost: { stopAfterS: 3 },
      approval: 'yes',
    });
    expect(reading.ok ? [] : reading.faults).toEqual(
      expect.arrayContaining([
        { path: 'operations[1]', found: '"root"', allowed: expect.stringContaining('agent.spawn, agent.status') },
        { path: 'sudo', found: 'true', allowed: expect.stringContaining('operations, agentTypes') },
        { path: 'concurrentMax', found: '-1', allowed: 'a whole number from 0 to 10000' },
        { path: 'limits.turnsMax', found: '"many"', allowed: 'a whole number from 1 to 10000' },
        { path: 'limits.fast', found: '1', allowed: expect.stringContaining('turnsMax') },
        { path: 'repositories[0]', found: '"a b"', allowed: expect.stringContaining('a pattern of letters') },
        { path: 'hubLost.stopAfterS', found: '3', allowed: 'a whole number from 45 to 86400' },
        { path: 'approval', found: '"yes"', allowed: '"none" or an object with withinS' },
      ]),
    );
    expect(readGrant({})).toMatchObject({ faults: [{ path: 'operations', allowed: expect.stringContaining('list') }] });
  });
});
