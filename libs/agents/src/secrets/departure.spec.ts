// What may leave a spoke: real agents on real git, secrets in places where they have been overlooked before.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SecretScanner, type Leak, type LocalAgents } from '#agents';
import { admin, cleaned, eventually, inState, Room, type RoomOptions } from '../../../../test/support/agents.js';
import { SessionRuntime } from '../../../../test/support/session-runtime.js';
import { Lines, ShellResolver } from '../../../../test/support/shell-runtime.js';
import { secretKey, secretToken } from '../../../../test/support/wares.js';
import { never, WorktreeRoom } from '../../../../test/support/worktree-room.js';
import { GitWorktrees } from '../worktrees/git-worktrees.js';
import { Clearance } from './clearance.js';
import { Guard } from './guard.js';
import { secretOptions } from './options.js';
import { Window } from './window.js';

let room: Room;
let agents: LocalAgents;
beforeEach(async () => {
  room = await Room.make();
});
afterEach(() => room.close());

const open = async (review: RoomOptions['review'] = {}) => (agents = await room.open({ review }));
const remote = () => fileURLToPath(room.repository);
const git = (...args: string[]) =>
  execFileSync('git', ['-C', remote(), '-c', 'user.name=T', '-c', 'user.email=t@example.org', ...args], {
    encoding: 'utf8',
  }).trim();
const branches = () => git('for-each-ref', '--format=%(refname:short)', 'refs/heads').split('\n');

/** In the sandbox: a file with the token. The script itself is a work item, which everybody may see: it has the token in halves. */
const put = (file: string, more = '') =>
  `printf '%s%s%s\\n' '${more}' '${secretToken.slice(0, 9)}' '${secretToken.slice(9)}' > '${file}'`;

/** Runs a script as a worker that wants its branch pushed. */
async function work(script: string, agentType: 'worker' | 'reviewer' = 'worker') {
  const request = room.request(script);
  const branch = 'work/one';
  const args = { ...request.args, agentType, options: { push: { branch } } };
  const { agentId } = await agents.spawn({ ...request, args, push: { branch, evenDefault: false } });
  return eventually(
    () => agents.get(agentId),
    ({ cleanup }) => cleanup !== undefined,
    60_000,
  );
}

const as = 'git -c user.name=A -c user.email=a@example.org';
const commit = `${as} commit -qam`;

async function staysHere(agentId: string): Promise<void> {
  expect(branches()).toEqual(['main']);
  await expect(agents.diff(agentId)).rejects.toMatchObject({ code: 'withheld' });
  const told = JSON.stringify([await agents.get(agentId), await room.events(), room.log.lines]);
  expect(told).not.toContain(secretToken);
}

/** Where secrets were overlooked before, and what makes each of them in the sandbox, where `/tmp/m` has one. */
const places = {
  'config.ts': put('config.ts', 'key = '),
  'hello.txt': 'cat /tmp/m >> hello.txt',
  'gone.txt': `${put('gone.txt', 'gone = ')}; git add gone.txt; ${commit} one; git rm -q gone.txt; ${commit} two`,
  'overlooked.ts': put('overlooked.ts', '// secretlint-disable '),
  'wide.txt': `node -e "fs.writeFileSync('wide.txt', '\\ufeff' + fs.readFileSync('/tmp/m', 'utf8'), 'utf16le')"`,
  'untrue.txt': `printf '\\377\\376' > untrue.txt; cat /tmp/m >> untrue.txt`,
  link: 'ln -s "$(cat /tmp/m)" link',
  'key.txt': `printf %s '${Buffer.from(secretKey).toString('base64')}' | base64 -d > key.txt`,
  'the name of a file': 'echo x > "$(cat /tmp/m)"',
  'a file with a secret name': 'cp /tmp/m "$(cat /tmp/m).txt"',
};

/** Finds nothing; what is to happen while it looks happens. */
class Slow extends SecretScanner {
  meanwhile: () => Promise<unknown> = () => Promise.resolve();
  override async scan(): Promise<readonly Leak[]> {
    const { meanwhile } = this;
    this.meanwhile = () => Promise.resolve();
    await meanwhile();
    return [];
  }
  override close(): Promise<void> {
    return Promise.resolve();
  }
}

test('work that moves from its worktree to the mirror while somebody looks at it is found there', async () => {
  const place = new WorktreeRoom();
  try {
    const agentId = randomUUID();
    const worktrees = new GitWorktrees({ root: place.root, allowFile: true });
    const { path } = await worktrees.create({ agentId, repository: place.repository, branch: 'main' }, never);
    writeFileSync(join(path, 'new.txt'), 'left\n');
    await worktrees.harvest(agentId, 'work');
    const scanner = new Slow();
    scanner.meanwhile = () => worktrees.remove(agentId);
    const options = secretOptions.parse({});
    const clearance = new Clearance({ worktrees, scanner, options, log: new Lines() });
    const window = new Window({ worktrees, clearance, guard: new Guard(scanner), options });
    const { text } = await window.diff({ agentId, repository: place.repository });
    expect(text).toContain('+left');
  } finally {
    place.close();
  }
});

describe('work with a secret in it', () => {
  test('[O-9] is not pushed and not shown, wherever the secret is, and each place is told without it', async () => {
    await open();
    const agent = await work([put('/tmp/m'), ...Object.values(places)].join('\n'));
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'secret_found', actor: { kind: 'system' } });
    const found = agent.result?.secrets?.map(({ file }) => file);
    expect(found).toEqual(expect.arrayContaining(Object.keys(places)));
    expect(agent.result?.secrets).toContainEqual({ rule: 'github', file: 'hello.txt', line: 2 });
    expect(agent.result?.push).toEqual({ branch: 'work/one', reason: expect.stringContaining('completed') });
    expect(agent.cleanup?.worktree.outcome).toBe('done');
    await staysHere(agent.agentId);
  });

  test.each([
    ['only in the message of a commit', `echo >> hello.txt; ${commit} "$(cat /tmp/m)"`],
    [
      'only in the name of its author',
      `echo >> hello.txt; git -c user.name="$(cat /tmp/m)" -c user.email=a@b commit -qam one`,
    ],
    ['only in a commit that the next one takes back', places['gone.txt']],
    [
      'only in a merge, taken back after it',
      `${as} checkout -qb side; echo s > side; git add side; ${commit} side; git checkout -q -; echo m > mine; git add mine
       ${commit} mine; ${as} merge -q --no-commit side; cp /tmp/m merged; git add merged; ${commit} merged
       git rm -q merged; ${commit} gone`,
    ],
  ])('[O-9] %s is not pushed and not shown', async (_where, script) => {
    await open();
    const agent = await work(`${put('/tmp/m')}\n${script}`);
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'secret_found' });
    await staysHere(agent.agentId);
  });

  test('is kept on the spoke, where its admin can look', async () => {
    await open();
    const { agentId } = await work(put('config.ts'));
    const mirrors = join(room.folder, 'worktrees', 'mirrors');
    const found = execFileSync('sh', [
      '-c',
      `git --git-dir "$1"/*.git show "refs/writ/kept/$2:config.ts"`,
      'sh',
      mirrors,
      agentId,
    ]);
    expect(found.toString().trim()).toBe(secretToken);
  });

  test('of an agent that was killed is not shown either', async () => {
    await open();
    const { agentId } = await agents.spawn(room.request(`${put('config.ts')}; echo done; sleep 600`));
    await inState(agents, agentId, 'running');
    await eventually(
      () => agents.output(agentId, 0, 100),
      ({ text }) => text.includes('done'),
    );
    await agents.kill(agentId, admin, 'enough');
    expect(await cleaned(agents, agentId)).toMatchObject({ state: 'killed' });
    await staysHere(agentId);
  });

  test('of a session that is closed is not shown, and the close says that it failed', async () => {
    agents = await room.open({ resolver: new ShellResolver(new SessionRuntime()) });
    const request = room.request(put('config.ts'));
    const options = { session: 'mine' };
    const { agentId } = await agents.spawn({ ...request, args: { ...request.args, options } });
    await eventually(
      () => agents.get(agentId),
      ({ activity }) => activity === 'idle',
    );
    const closed = await agents.closeSession({ agentId, actor: admin, reason: 'enough', force: true });
    expect(closed).toMatchObject({ state: 'failed', exitReason: 'secret_found' });
    await staysHere(agentId);
  });

  test('of an agent that was killed with nothing to hide is shown', async () => {
    await open();
    const { agentId } = await agents.spawn(room.request('echo fine > new.txt; echo done; sleep 600'));
    await eventually(
      () => agents.output(agentId, 0, 100),
      ({ text }) => text.includes('done'),
    );
    await agents.kill(agentId, admin, 'enough');
    await cleaned(agents, agentId);
    expect((await agents.diff(agentId)).text).toContain('+fine');
  });

  test('that stood there before is not the agent’s: its work leaves, the old secret is not shown', async () => {
    writeFileSync(join(remote(), 'old.txt'), `one\n${secretToken}\ntwo\n${secretKey}\n`);
    git('add', '-A');
    git('commit', '-qm', 'long ago');
    await open();
    const changed = await work('echo three >> old.txt; git mv old.txt moved.txt');
    expect(changed).toMatchObject({ state: 'completed', result: { push: { commit: changed.result?.commit } } });
    const { text } = await agents.diff(changed.agentId);
    expect(text).toContain('+three');
    expect(text).toContain(' [secret]');
    expect(text).not.toContain(secretToken);
    expect(text).not.toContain('MIIEpAIBAAKCAQEA');
  });

  test('counts for nothing in files that the admin allows, as long as it is nowhere else', async () => {
    const allow = [{ repositories: ['file://**'], paths: ['fixtures/**'] }];
    await open({ review: { secrets: { allow } } });
    const script = `mkdir fixtures; ${put('fixtures/token.txt')}`;
    expect(await work(script)).toMatchObject({ state: 'completed' });
    git('branch', '-D', 'work/one');
    const { agentId, exitReason } = await work(`${script}; cp fixtures/token.txt zz.txt`);
    expect(exitReason).toBe('secret_found');
    expect(branches()).toEqual(['main']);
    expect(agentId).toBeDefined();
  });
});

describe('work that nobody could look at', () => {
  /** Breaks as a scanner breaks: it throws. */
  class Broken extends SecretScanner {
    override scan(): Promise<readonly Leak[]> {
      return Promise.reject(new Error(`cannot read ${secretToken}`));
    }
    override close(): Promise<void> {
      return Promise.resolve();
    }
  }

  test('[O-9] because the scanner fails stays here, with the reason, and so does the result', async () => {
    await open({ scanner: new Broken() });
    const agent = await work('echo fine > new.txt');
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'scan_failed', result: { summary: '' } });
    expect(branches()).toEqual(['main']);
    await expect(agents.diff(agent.agentId)).rejects.toMatchObject({
      code: 'withheld',
      detail: /scan for secrets failed/,
    });
    const reviewer = await work('true', 'reviewer');
    expect(reviewer).toMatchObject({
      state: 'failed',
      exitReason: 'scan_failed',
      reason: expect.stringMatching(/withheld/),
    });
  });

  test('[O-9] in time stays here; once there is time it is shown', async () => {
    await open({ review: { secrets: { scanMs: 1 } } });
    const agent = await work('echo fine > new.txt');
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'scan_failed' });
    expect(branches()).toEqual(['main']);
    await agents.close();
    await open();
    expect((await agents.diff(agent.agentId)).text).toContain('+fine');
  });

  test.each([
    [
      'a file that is too large',
      `head -c 4000 /dev/zero | tr '\\0' 'x' > big.txt`,
      { fileBytesMax: 2_048 },
      /4000 bytes/,
    ],
    [
      'too much of it',
      `for n in 1 2 3; do seq $n 400 > f$n.txt; done`,
      { workBytesMax: 2_048 },
      /bytes of new content/,
    ],
    ['a file that is no text', `head -c 100 /dev/zero > data.bin`, {}, /`data\.bin` cannot be read as text/],
  ])('[O-9] because of %s stays here and says what to set', async (_what, script, secrets, reason) => {
    await open({ review: { secrets } });
    const agent = await work(script);
    expect(agent).toMatchObject({ state: 'failed', exitReason: 'scan_failed', reason: expect.stringMatching(reason) });
    expect(branches()).toEqual(['main']);
    await expect(agents.diff(agent.agentId)).rejects.toMatchObject({
      code: 'withheld',
      detail: expect.stringMatching(reason),
    });
  });

  test('is looked through byte by byte where the admin says so', async () => {
    await open({ review: { secrets: { binaries: 'scan' } } });
    expect(await work('head -c 100 /dev/zero > data.bin')).toMatchObject({ state: 'completed' });
    git('branch', '-D', 'work/one');
    const hidden = await work(`${put('/tmp/m')}; head -c 100 /dev/zero > data.bin; cat /tmp/m >> data.bin`);
    expect(hidden).toMatchObject({ exitReason: 'secret_found', result: { secrets: [{ file: 'data.bin' }] } });
  });

  test('[K-15] a kill during the scan ends it at once', async () => {
    const asked = Promise.withResolvers<undefined>();
    class Stuck extends Broken {
      override scan(): Promise<readonly Leak[]> {
        asked.resolve(undefined);
        return new Promise(() => undefined);
      }
    }
    await open({ scanner: new Stuck() });
    const { agentId } = await agents.spawn(room.request('echo fine > new.txt'));
    await asked.promise;
    expect(await agents.kill(agentId, admin, 'enough')).toMatchObject({ killed: [agentId], survivors: 0 });
    expect(await cleaned(agents, agentId)).toMatchObject({ state: 'killed', reason: 'enough' });
  });
});

describe('what an agent says', () => {
  test('[L-9] leaves without the secrets in it', async () => {
    await open();
    const { agentId } = await agents.spawn(room.request(`true; : ${secretToken}`));
    const { result, state } = await cleaned(agents, agentId);
    expect(state).toBe('completed');
    expect(result?.summary).toBe('true; : [secret]');
  });
});
