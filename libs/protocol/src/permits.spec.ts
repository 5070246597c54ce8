import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  compilePattern,
  egressHost,
  effectiveLimits,
  effectiveSandbox,
  grant,
  type GrantInput,
  operation,
  operationNames,
  permits,
  pushPermit,
  spawnArgs,
} from './index.js';

const granted = (change: Partial<GrantInput> = {}) =>
  grant.parse({
    operations: ['agent.spawn', 'agent.status'],
    agentTypes: ['worker'],
    repositories: ['https://git.example/acme/*'],
    branches: ['main', 'release/*'],
    ...change,
  });

interface Wish {
  repository?: string;
  branch?: string;
  agentType?: string;
  options?: Record<string, unknown>;
}

function spawn({
  repository = 'https://git.example/acme/site',
  branch = 'main',
  agentType = 'worker',
  options,
}: Wish = {}) {
  return spawnArgs.parse({ taskId: 't', agentType, context: { repository, branch, workItems: ['x'] }, options });
}

const rule = (change: Partial<GrantInput>, wish?: Wish) => {
  const permission = permits(granted(change), 'agent.spawn', spawn(wish));
  return permission.ok ? 'ok' : permission.rule;
};

describe('[F-5] a grant is an allow-list', () => {
  test('an empty one allows nothing', () => {
    const nothing = grant.parse({ operations: [] });
    for (const op of operationNames) expect(permits(nothing, op, {})).toMatchObject({ ok: false });
  });

  test('status only is status only', () => {
    const status = grant.parse({ operations: ['agent.status'] });
    for (const op of operationNames) expect(permits(status, op, {}).ok).toBe(op === 'agent.status');
    expect(operation('agent.status')?.kind).toBe('query');
  });

  test('spawn alone, without types and repositories, spawns nothing', () => {
    expect(permits(grant.parse({ operations: ['agent.spawn'] }), 'agent.spawn', spawn())).toEqual({
      ok: false,
      rule: 'agentTypes',
      allowed: [],
    });
  });

  test.each<[string, Partial<GrantInput>, Wish]>([
    ['agentTypes', {}, { agentType: 'reviewer' }],
    ['repositories', {}, { repository: 'https://git.example/other/site' }],
    ['repositories', {}, { repository: 'https://git.example/acme/site/sub' }],
    ['repositories', {}, { repository: 'https://GIT.example/acme/site' }],
    ['repositories', {}, { repository: 'http://git.example/acme/site' }],
    ['repositories', {}, { repository: 'https://git.example.evil.example/acme/site' }],
    ['branches', {}, { branch: 'develop' }],
    ['branches', {}, { branch: 'main2' }],
    ['branches', {}, { branch: 'release/1/hot' }],
    ['runtimes', {}, { options: { runtime: 'shell' } }],
    ['runtimes', { runtimes: ['shell'] }, {}],
    ['gates', {}, { options: { gates: [['make', 'check']] } }],
    ['gates', { gates: false }, { options: { gates: [['make', 'check']] } }],
    ['models', { models: ['small'] }, { options: { model: 'large' } }],
    ['models', { models: ['small'] }, {}],
    ['sandbox', { sandbox: 'namespace' }, { options: { sandbox: 'unshare' } }],
    ['sandbox', {}, { options: { sandbox: 'none' } }],
    ['limits.turnsMax', { limits: { turnsMax: 10 } }, { options: { limits: { turnsMax: 11 } } }],
    ['limits.wallMs', { limits: { wallMs: 1_000 } }, { options: { limits: { wallMs: 1_001, turnsMax: 1 } } }],
  ])('[F-7] %s says no', (name, change, wish) => {
    expect(rule(change, wish)).toBe(name);
  });

  test.each<[string, Partial<GrantInput>, Wish]>([
    ['what it lists', {}, {}],
    ['a branch by pattern', {}, { branch: 'release/1.2' }],
    ['any branch by default', { branches: undefined }, { branch: 'any/where' }],
    ['the default runtime by its name', {}, { options: { runtime: 'claude' } }],
    ['gates of the caller', { gates: true }, { options: { gates: [['make', 'check']] } }],
    ['a model on its list', { models: ['small'] }, { options: { model: 'small' } }],
    ['any model without a list', {}, { options: { model: 'large' } }],
    ['a stronger sandbox', {}, { options: { sandbox: 'docker' } }],
    ['less than the ceiling', { limits: { turnsMax: 10 } }, { options: { limits: { turnsMax: 10 } } }],
    ['a limit where it has no ceiling', {}, { options: { limits: { turnsMax: 10_000 } } }],
  ])('it allows %s', (_what, change, wish) => {
    expect(rule(change, wish)).toBe('ok');
  });

  test('[F-7] what holds in the end is never more than granted, whatever was asked for', () => {
    const ceilings = { turnsMax: 10, wallMs: 5_000 };
    expect(effectiveLimits({ limits: ceilings })).toEqual(ceilings);
    expect(effectiveLimits({ limits: ceilings }, { turnsMax: 3, tokensMax: 9, wallMs: undefined })).toEqual({
      turnsMax: 3,
      wallMs: 5_000,
      tokensMax: 9,
    });
    expect(effectiveLimits({ limits: ceilings }, { turnsMax: 99 })).toEqual(ceilings);
    expect(effectiveSandbox({ sandbox: 'namespace' }, 'none')).toBe('namespace');
    expect(effectiveSandbox({ sandbox: 'namespace' }, 'docker')).toBe('docker');
    expect(effectiveSandbox({ sandbox: 'namespace' })).toBe('namespace');
  });

  test('unknown fields are refused', () => {
    expect(grant.safeParse({ operations: [], denied: ['agent.kill'] }).success).toBe(false);
    expect(grant.safeParse({ operations: ['agent.dance'] }).success).toBe(false);
    expect(grant.safeParse({ operations: [], limits: { turns: 3 } }).success).toBe(false);
  });
});

describe('patterns', () => {
  test.each([
    ['a/*', 'a/b', true],
    ['a/*', 'a/', true],
    ['a/*', 'a/b/c', false],
    ['a/**', 'a/b/c', true],
    ['**', '', true],
    ['*', 'a/b', false],
    ['***', 'a/b', true],
    ['*/**/c', 'a/b/c', true],
    ['*/**/c', 'a/c', false],
    ['a*b**c', 'axb/y/c', true],
    ['a*b**c', 'a/b/y/c', false],
    ['main', 'main', true],
    ['main', 'xmain', false],
    ['main', 'mainx', false],
    ['a.b', 'axb', false],
    ['a+b', 'aab', false],
    ['', '', true],
  ])('%j against %j', (pattern, text, matches) => {
    expect(compilePattern(pattern)(text)).toBe(matches);
  });

  test('agree with the regular expression of the same meaning on small inputs', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '.'), maxLength: 7 });
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '\n'), maxLength: 9 });
    fc.assert(
      fc.property(pattern, text, (glob, input) => {
        const source = glob.replace(/\*\*|\*|\./g, (part) => ({ '**': '[^]*', '*': '[^/]*' })[part] ?? '\\.');
        expect(compilePattern(glob)(input)).toBe(new RegExp(`^${source}$`).test(input));
      }),
      { numRuns: 3_000 },
    );
  });

  test('take no longer for hostile texts: at most one step a character and position', () => {
    const matches = compilePattern('*a'.repeat(149) + 'b');
    expect(matches('a'.repeat(2_048))).toBe(false);
    expect(compilePattern('**a*'.repeat(70) + 'b')('a'.repeat(2_048))).toBe(false);
    expect(compilePattern('**a*'.repeat(70) + 'b')(`${'a'.repeat(2_047)}b`)).toBe(true);
  });
});

describe('[F-5] a host to reach', () => {
  const reach = (hosts: string[] | undefined, ...egress: string[]) => rule({ egress: hosts }, { options: { egress } });

  test('is none unless the grant names it', () => {
    expect([reach(undefined, 'a.test'), reach([], 'a.test'), reach(['b.test'], 'a.test')]).toEqual(
      Array(3).fill('egress'),
    );
    expect([reach(['a.test'], 'a.test'), rule({})]).toEqual(['ok', 'ok']);
    expect(reach(['a.test'], 'a.test', 'b.test')).toBe('egress');
  });

  test('is that name and that port; a star is what is below', () => {
    const passes = [reach(['*.a.test'], 'x.a.test'), reach(['*.a.test'], 'y.x.a.test', '*.x.a.test', '*.a.test')];
    expect([...passes, reach(['a.test:443'], 'a.test'), reach(['a.test:80'], 'a.test:80')]).toEqual(
      Array(4).fill('ok'),
    );
    const beyond = [
      ['*.a.test', 'a.test'],
      ['a.test', '*.a.test'],
      ['a.test', 'x.a.test'],
      ['*.a.test', 'xa.test'],
    ];
    const ports = [
      ['a.test', 'a.test:80'],
      ['a.test:80', 'a.test'],
      ['*.a.test', 'x.a.test:8443'],
    ];
    for (const [granted = '', asked = ''] of [...beyond, ...ports]) expect(reach([granted], asked)).toBe('egress');
  });

  test('is a name or an IPv4 address, and nothing that means something else to somebody', () => {
    const odd = [
      '',
      '*',
      '*.',
      'A.test',
      'a..test',
      '-a.test',
      'a.test.',
      'a.test:0',
      'a.test:65536',
      'a.test:',
      'a_b.test',
    ];
    const worse = [
      'https://a.test',
      'a.test/x',
      'u@a.test',
      '[::1]',
      '::1',
      'a.*.test',
      'a.test:80:80',
      'ä.test',
      'a.test\n',
    ];
    for (const host of [...odd, ...worse]) expect([host, egressHost.safeParse(host).success]).toEqual([host, false]);
    for (const host of ['localhost', '10.0.0.1:8443', '*.a-b.test', 'x1.test:65535'])
      expect([host, egressHost.safeParse(host).success]).toEqual([host, true]);
  });
});

describe('[F-5] a push', () => {
  const push = (patterns: readonly string[] | undefined, branch?: string) =>
    rule({ push: patterns as string[] | undefined }, { options: { push: branch === undefined ? {} : { branch } } });

  test('goes nowhere unless the grant names branches', () => {
    expect([push(undefined), push([]), push(undefined, 'main'), push([], 'main')]).toEqual(Array(4).fill('push'));
    expect(rule({})).toBe('ok');
  });

  test('goes to a branch that a pattern matches whole', () => {
    expect(push(['fix/*'], 'fix/a')).toBe('ok');
    expect([push(['fix/*'], 'fix/a/b'), push(['fix/*'], 'main'), push(['fix'], 'fix/a')]).toEqual(
      Array(3).fill('push'),
    );
  });

  test('reaches the default branch only by its full name', () => {
    expect(pushPermit(['**'], 'main')).toEqual({ branch: 'main', evenDefault: false });
    expect(pushPermit(['**', 'main'], 'main')).toEqual({ branch: 'main', evenDefault: true });
    expect(pushPermit(['writ/*'], 'main')).toBeUndefined();
  });

  test.each(['HEAD', '-f', '+main', 'a:b', 'refs/../x', ''])('has no branch %j', (branch) => {
    expect(() => spawn({ options: { push: { branch } } })).toThrow();
  });
});
