// What a spoke's configuration makes of a request: profiles, runtimes, and skills from folders that may be hostile.
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnArgs } from '#protocol';
import { ConfiguredResolver } from './configured.resolver.js';
import { profileOptions, runtimeOptions, skillOptions } from './options.js';
import { lendSkill } from './skills.js';

function faults(
  schema: { safeParse: (value: unknown) => { error?: { issues: { path: PropertyKey[] }[] } } },
  value: unknown,
) {
  return (schema.safeParse(value).error?.issues ?? []).map(({ path }) => path.join('.'));
}

describe('profiles', () => {
  test('an empty configuration has the three of them: only the reviewer may not write', () => {
    const { worker, reviewer, tester } = profileOptions.parse(undefined);
    expect([worker.writes, reviewer.writes, tester.writes]).toEqual([true, false, true]);
    expect([worker.result, reviewer.result, tester.result]).toEqual(['changes', 'findings', 'verdict']);
    for (const { tools } of [reviewer, tester]) expect(tools).not.toContain('edit');
  });

  test('what is given replaces that member alone', () => {
    const { worker } = profileOptions.parse({ worker: { systemPrompt: 'Be brief.', model: 'claude-haiku-5-5' } });
    expect(worker).toMatchObject({ systemPrompt: 'Be brief.', model: 'claude-haiku-5-5', writes: true });
  });

  test('unknown types, members and tools are refused by path', () => {
    expect(faults(profileOptions, { admiral: {} })).toEqual(['']);
    expect(faults(profileOptions, { worker: { tool: [] } })).toEqual(['worker']);
    expect(faults(profileOptions, { worker: { tools: ['bash', 'rm'] } })).toEqual(['worker.tools.1']);
  });

  test('pairs that contradict each other are refused', () => {
    expect(faults(profileOptions, { reviewer: { tools: ['edit'] } })).toEqual(['reviewer.tools']);
    expect(faults(profileOptions, { reviewer: { result: 'changes' } })).toEqual(['reviewer.result']);
    expect(faults(profileOptions, { reviewer: { writes: true, tools: ['edit'], result: 'changes' } })).toEqual([]);
  });
});

describe('runtimes', () => {
  test('an empty configuration has claude; a list of others has only those', () => {
    expect(Object.keys(runtimeOptions.parse(undefined))).toEqual(['claude']);
    expect(Object.keys(runtimeOptions.parse({ make: { kind: 'command', argv: ['make'] } }))).toEqual(['make']);
  });

  test('unknown kinds, hostile names and empty commands are refused', () => {
    expect(faults(runtimeOptions, { x: { kind: 'magic' } })).not.toEqual([]);
    expect(faults(runtimeOptions, { '../x': { kind: 'claude' } })).not.toEqual([]);
    expect(faults(runtimeOptions, { x: { kind: 'command', argv: [] } })).not.toEqual([]);
    expect(faults(runtimeOptions, { x: { kind: 'command', argv: ['a'], env: { 'A=B': 'c' } } })).not.toEqual([]);
  });
});

describe('the resolver', () => {
  const context = { repository: 'https://example.org/a.git', branch: 'main', workItems: ['x'] };
  const runtimes = runtimeOptions.parse({ claude: { kind: 'claude' }, make: { kind: 'command', argv: ['make'] } });

  function ask(options: object = {}, skills?: string[]) {
    return spawnArgs.parse({ taskId: 'T', agentType: 'tester', context: { ...context, skills }, options });
  }

  function resolver(profiles?: unknown) {
    return new ConfiguredResolver({ profiles: profileOptions.parse(profiles), runtimes, skills: {} }, () => 'key');
  }

  test('the request names the runtime and model; else the profile; else the defaults', async () => {
    const usual = { tester: { runtime: 'make', model: 'claude-haiku-5-5' } };
    expect((await resolver().resolve(ask())).runtime.kind).toBe('claude');
    expect(await resolver(usual).resolve(ask())).toMatchObject({
      runtime: { kind: 'command' },
      model: 'claude-haiku-5-5',
    });
    const asked = { runtime: 'claude', model: 'claude-opus-5' };
    expect(await resolver(usual).resolve(ask(asked))).toMatchObject({
      runtime: { kind: 'claude' },
      model: 'claude-opus-5',
    });
  });

  test.each(['nothing', 'constructor'])('a runtime that is not configured is refused by name: %s', async (runtime) => {
    await expect(resolver().resolve(ask({ runtime }))).rejects.toMatchObject({
      code: 'runtime_unknown',
      field: 'options.runtime',
    });
  });

  test('a skill that is not in the list is refused', async () => {
    await expect(resolver().resolve(ask({}, ['magic']))).rejects.toMatchObject({ code: 'skill_unknown' });
  });

  test('a profile with a runtime that is not there is refused at start, naming all of them', () => {
    const wrong = { worker: { runtime: 'a' }, tester: { runtime: 'b' } };
    expect(() => resolver(wrong)).toThrow(/profiles\.worker\.runtime.*profiles\.tester\.runtime/);
  });

  test('everything is mounted read-only, below /opt/writ', async () => {
    const { mounts } = await resolver().resolve(ask());
    expect(mounts.length).toBeGreaterThan(2);
    expect(mounts.filter(({ writable, to }) => writable === true || !to.startsWith('/opt/writ/'))).toEqual([]);
  });
});

describe('skills', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-skill-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  let server: Server | undefined;
  afterEach(() => {
    server?.close();
  });

  async function listen(path: string): Promise<void> {
    server = createServer().listen(path);
    await once(server, 'listening');
  }

  const lend = () => lendSkill({ careful: folder }, 'careful');
  const sheet = (text: string) => writeFile(join(folder, 'SKILL.md'), text);

  test.each([
    ['---\nname: x\ndescription: Plain words.\n---\nBody', 'Plain words.'],
    ['---\ndescription: "Quoted: words."\nname: x\n---\n', 'Quoted: words.'],
    ['---\ndescription: >-\n  Folded\n  words.\nname: x\n---\n', 'Folded words.'],
    ['# Title\n\nFirst prose.\nMore.', 'First prose.'],
    ['', ''],
  ])('the description is what SKILL.md says of itself: %j', async (text, description) => {
    await sheet(text);
    expect((await lend()).skill).toEqual({ name: 'careful', description, path: '/opt/writ/skills/careful' });
  });

  test('the folder is mounted read-only at its place', async () => {
    await sheet('x');
    expect((await lend()).mount).toEqual({ from: folder, to: '/opt/writ/skills/careful' });
  });

  test.each<[string, () => Promise<unknown>, string]>([
    ['without a SKILL.md', () => mkdir(join(folder, 'x')), 'has no SKILL.md'],
    ['whose SKILL.md is a folder', () => mkdir(join(folder, 'SKILL.md')), 'has no SKILL.md'],
    ['with a link out of it', async () => (await sheet('x'), symlink('/etc/passwd', join(folder, 'p'))), 'holds p'],
    [
      'with a link deep inside',
      async () => {
        await sheet('x');
        await mkdir(join(folder, 'a'));
        await symlink('..', join(folder, 'a', 'up'));
      },
      'holds up',
    ],
    ['with a socket', async () => (await sheet('x'), listen(join(folder, 'door'))), 'holds door'],
    ['that is gone', () => rm(folder, { recursive: true }), 'cannot be read'],
  ])('a folder %s is refused', async (_, spoil, reason) => {
    await spoil();
    await expect(lend()).rejects.toMatchObject({ code: 'skill_unknown', detail: expect.stringContaining(reason) });
  });

  test('names that are members of every object are unknown', async () => {
    await expect(lendSkill({}, 'constructor')).rejects.toMatchObject({ code: 'skill_unknown' });
  });

  test('the list takes absolute folders under plain names', () => {
    expect(faults(skillOptions, { careful: '/srv/skills/careful' })).toEqual([]);
    expect(faults(skillOptions, { careful: 'skills/careful' })).toEqual(['careful']);
    expect(faults(skillOptions, { '../up': '/srv' })).not.toEqual([]);
  });
});
