// The command line as child processes against a real instance.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { grant } from '#protocol';
import { startTinyApi } from '../../../test/support/tiny-api.js';
import type { TinyApi } from '../../../test/support/tiny-api.js';
import { tinyCommand, tinyConnection, tinyPeerControllers, tinyPeers } from '../../../test/support/tiny-peers.js';
import { requirement } from '../../../test/support/require.js';
import { until } from '../../../test/support/until.js';
import { startWrit, writ } from '../../../test/support/writ.js';

const repo = 'https://example.org/shop.git';
const statusOnly = grant.parse({ operations: ['agent.status'] });
let home: string;
let spoke: TinyApi;
let hub: TinyApi;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'writ-home-'));
  spoke = await startTinyApi({ stateDir: join(home, '.writ/spoke'), controllers: tinyPeerControllers });
  hub = await startTinyApi({ stateDir: join(home, '.writ/hub'), role: 'hub', controllers: tinyPeerControllers });
});
afterAll(async () => {
  await spoke.close();
  await hub.close();
  await rm(home, { recursive: true, force: true });
});
beforeEach(() => {
  Object.assign(tinyPeers, { invites: [], spokes: [], hubs: [], commands: [], acts: [] });
});

const run = (...args: string[]) => writ(args, { env: { HOME: home } });

async function spawned(): Promise<string> {
  const { out } = await run('spawn', '--on', 'spoke', '--repo', repo, '--item', 'mend the sum', '-o', 'json');
  return (JSON.parse(out) as { agentId: string }).agentId;
}

describe('agents on the command line', () => {
  test('spawn, ps, status, logs, diff and kill find the instance of this machine and its key', async () => {
    const id = await spawned();
    spoke.gateway.say(id, 'hello\n');
    const short = id.slice(0, 13);
    expect((await run('ps', '--on', 'spoke')).out).toContain(`${id}\t-\tworker\trunning`);
    expect(JSON.parse((await run('status', short, '--on', 'spoke', '-o', 'json')).out)).toMatchObject({ agentId: id });
    expect((await run('logs', short, '--on', 'spoke')).out).toBe('hello\n');
    expect((await run('diff', id, '--on', 'spoke')).out).toContain('+++ b/sum.js');
    const killed = await run('kill', id, '--on', 'spoke', '--reason', 'enough', '--wait', '9', '-o', 'json');
    expect(spoke.gateway.killPatienceMs).toBe(9_000);
    expect(killed.code).toBe(0);
    expect(JSON.parse(killed.out)).toMatchObject({ report: { killed: [id], survivors: 0 } });
    expect(spoke.gateway.entries.get(id)?.agent).toMatchObject({ state: 'killed', reason: 'enough' });
  });

  test('send asks a session again and shows its answer; close refuses with what is at risk, unless it is forced', async () => {
    const id = await spawned();
    const sent = await run('send', id, 'and the tests?', '--wait', '--on', 'spoke');
    expect([sent.code, sent.out]).toEqual([0, expect.stringContaining('and the tests?')]);
    expect(await run('close', 'hub-1', '--on', 'spoke')).toMatchObject({
      code: 2,
      err: expect.stringContaining('writ unpair'),
    });
    const refused = await run('close', id, '--on', 'spoke');
    expect([refused.code === 0, refused.err]).toEqual([false, expect.stringContaining('At risk: 1 uncommitted')]);
    expect((await run('close', id, '--force', '--reason', 'done', '--on', 'spoke')).code).toBe(0);
    expect(spoke.gateway.entries.get(id)?.agent).toMatchObject({ state: 'completed', reason: 'done' });
  });

  test('checkpoints tells what a session can go back to, and rewind goes there and says how to undo it', async () => {
    const id = await spawned();
    expect((await run('checkpoints', id, '--on', 'spoke')).out).toMatch(/^1\ta turn\t\S+\tyes\n$/);
    const back = await run('rewind', id.slice(0, 13), '--to', '1', '--on', 'spoke');
    expect([back.code, back.out]).toEqual([0, expect.stringContaining(`writ rewind ${id} --to 2`)]);
    const json = await run('rewind', id, '--to', '1', '--on', 'spoke', '-o', 'json');
    expect(JSON.parse(json.out)).toEqual({ agentId: id, turnId: id, turn: 2, to: 1, left: 0 });
    expect((await run('rewind', id, '--to', '2', '--on', 'spoke')).err).toContain('no checkpoint before turn 2');
    expect((await run('rewind', id, '--on', 'spoke')).code).toBe(2);
  });

  test('spawn asks for a push to the agent’s own branch, or to the one that is named', async () => {
    const args = ['spawn', '--on', 'spoke', '--repo', repo, '--item', 'x', '-o', 'json'];
    const [own, named, no] = await Promise.all([run(...args, '--push'), run(...args, '--push', 'fix/a'), run(...args)]);
    const asked = [own, named, no].map(({ out }) => (JSON.parse(out) as { options: { push?: object } }).options.push);
    expect(asked).toEqual([{}, { branch: 'fix/a' }, undefined]);
    expect((await run(...args, '--push', 'a..b')).code).toBe(2);
  });

  test('spawn adds gates, each a line for the shell', async () => {
    const args = ['spawn', '--on', 'spoke', '--repo', repo, '--item', 'x', '-o', 'json'];
    const { out } = await run(...args, '--gate', 'npm test && echo "fine"', '--gate', 'make');
    const { options } = JSON.parse(out) as { options: { gates?: unknown } };
    expect(options.gates).toEqual([
      ['sh', '-c', 'npm test && echo "fine"'],
      ['sh', '-c', 'make'],
    ]);
  });

  test('where both run, the hub is asked unless --on says otherwise', async () => {
    const id = await spawned();
    expect((await run('ps', '--on', 'spoke')).out).toContain(id);
    expect((await run('ps')).out).not.toContain(id);
    expect((await run('ps', '--on', 'spoke', '--status', 'killed,failed')).out).not.toContain(id);
  });

  test('logs -f goes on to the end and ends with 0', async () => {
    const id = await spawned();
    const child = startWrit(['logs', '-f', id, '--on', 'spoke'], { env: { HOME: home } });
    let out = '';
    child.stdout!.on('data', (chunk) => (out += String(chunk)));
    spoke.gateway.say(id, 'one\n');
    await until('the first line', () => out === 'one\n');
    spoke.gateway.say(id, 'two\n');
    spoke.gateway.end(id);
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(out).toBe('one\ntwo\n');
  });

  test('spawn --wait ends with 0 when the agent completed and with 1 when it failed', async () => {
    for (const [state, code] of [
      ['completed', 0],
      ['failed', 1],
    ] as const) {
      const before = spoke.gateway.entries.size;
      const waiting = run('spawn', '--on', 'spoke', '--repo', repo, '--item', 'x', '--wait', '-o', 'json');
      await until('the agent', () => spoke.gateway.entries.size > before);
      spoke.gateway.end([...spoke.gateway.entries.keys()].at(-1)!, { state });
      const ran = await waiting;
      expect(ran).toMatchObject({ code });
      expect(JSON.parse(ran.out)).toMatchObject({ state });
    }
  });

  test('a spawn that the peer has not answered is told as such, with exit code 6', async () => {
    hub.gateway.pendingId = 'AAAAAAAAAAAAAAAAAAAAAA';
    const ran = await run('spawn', '--repo', repo, '--item', 'x');
    hub.gateway.pendingId = undefined;
    expect(ran.code).toBe(6);
    expect(ran.out).toContain('command\tAAAAAAAAAAAAAAAAAAAAAA');
  });

  test('a command is looked up by its id, and one that timed out is not told as failed', async () => {
    tinyPeers.commands.push(
      tinyCommand('pending'),
      tinyCommand('timed_out'),
      tinyCommand('failed'),
      tinyCommand('delivered'),
    );
    const codes: (number | null)[] = [];
    for (const { commandId } of tinyPeers.commands) codes.push((await run('commands', commandId)).code);
    expect(codes).toEqual([6, 6, 1, 0]);
    expect((await run('commands', '--status', 'failed')).out).toContain('agent.spawn\tspoke-1\tfailed');
  });

  test('an id that begins with a dash is an id, wherever it stands', async () => {
    const [id, unknown] = ['-oAAAAAAAAAAAAAAAAAAAA', '-hBBBBBBBBBBBBBBBBBBBB'];
    tinyPeers.commands.push(tinyCommand('delivered', id));
    expect((await run('commands', id, '-o', 'json')).out).toContain(id);
    expect(await run('commands', unknown)).toMatchObject({ code: 4, err: expect.stringContaining('no command') });
    expect((await run('spawn', '--on', 'spoke', '--repo', repo, '--item', id)).code).toBe(0);
    expect([...spoke.gateway.entries.values()].map(({ agent }) => agent.context.workItems)).toContainEqual([id]);
  });

  test('[K-3] kill --all latches, spawn is refused with exit code 3, and kill --reset opens again', async () => {
    expect((await run('kill', '--all', '--on', 'spoke', '--reason', 'incident')).code).toBe(0);
    const refused = await run('spawn', '--on', 'spoke', '--repo', repo, '--item', 'x');
    expect(refused).toMatchObject({ code: 3, out: '' });
    expect(refused.err).toContain('writ kill --reset');
    expect((await run('status', '--on', 'spoke')).out).toContain('killswitch\tall: incident');
    expect((await run('kill', '--reset', '--on', 'spoke')).code).toBe(0);
    expect((await run('spawn', '--on', 'spoke', '--repo', repo, '--item', 'x')).code).toBe(0);
  });

  test('a dry run of a kill kills nobody: of a selection it says whom, of anything else nothing', async () => {
    const id = await spawned();
    const dry = (...args: string[]) => run('kill', ...args, '--dry-run', '--on', 'spoke');
    expect(await dry('--type', 'worker')).toMatchObject({ code: 0, out: expect.stringContaining(id) });
    for (const meant of [[id], ['--all'], ['--reset']])
      expect(await dry(...meant)).toMatchObject({
        code: 2,
        err: expect.stringContaining('--dry-run wants a selection'),
      });
    expect(spoke.gateway.entries.get(id)?.ended).toBe(false);
    expect(spoke.gateway.latched).toEqual([]);
    expect(await run('kill', '--type', 'worker', '--on', 'spoke')).toMatchObject({ code: 0 });
    expect(spoke.gateway.entries.get(id)?.ended).toBe(true);
  });

  test('what an agent wrote cannot steer a terminal', async () => {
    const id = await spawned();
    spoke.gateway.end(id, { state: 'failed', reason: '\u001b]0;owned\u0007\u001b[2Jgone\u009b31m' });
    const { out } = await run('status', id, '--on', 'spoke', '-o', 'table');
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    expect(out).not.toMatch(/[\u001b\u0007\u009b]/);
    expect(out).toContain('gone');
  });
});

describe('exit codes and errors', () => {
  test.each([
    ['no command', ['nonsense'], 2],
    ['a missing option', ['spawn', '--repo', repo], 2],
    ['a wrong option value', ['ps', '-o', 'xml'], 2],
    [
      'a hostile branch, before anything is sent',
      ['spawn', '--repo', repo, '--item', 'x', '--branch', '--upload-pack=sh'],
      2,
    ],
    ['a limit that is none', ['spawn', '--repo', repo, '--item', 'x', '--limit', 'turnsMax=many'], 2],
    ['kill without a target', ['kill'], 2],
    ['kill that waits for longer than is allowed', ['kill', '--all', '--wait', '61'], 2],
    ['a wrong key', ['ps', '--on', 'spoke', '--key', 'writ_aaaaaaaaaa_wrong'], 3],
    ['an unknown agent', ['status', '00000000-0000-4000-8000-000000000000'], 4],
    ['an unknown connection', ['suspend', 'nobody'], 4],
    ['nothing at the URL', ['ps', '--url', 'http://127.0.0.1:9'], 5],
    ['help', ['spawn', '--help'], 0],
  ] as const)('%s', async (_name, args, code) => {
    expect(await run(...args)).toMatchObject({ code });
  });

  test('an error for programs is a problem on standard error, and nothing on standard output', async () => {
    const ran = await run('status', '00000000-0000-4000-8000-000000000000', '-o', 'json');
    expect(ran.out).toBe('');
    expect(JSON.parse(ran.err)).toMatchObject({ code: 'not_found', status: 404 });
  });

  test('where nothing runs it says how to start one', async () => {
    const ran = await writ(['ps'], { env: { HOME: '/nonexistent' } });
    expect(ran).toMatchObject({ code: 5 });
    expect(ran.err).toContain('`writ hub`');
  });

  test('no error shows a key, and the key of this machine goes to no other URL', async () => {
    const secret = 'writ_aaaaaaaaaa_' + 'S'.repeat(43);
    for (const args of [
      ['ps', '--key', secret],
      ['ps', '--key', secret, '--url', 'http://127.0.0.1:9'],
      ['nonsense', '--key', secret],
    ]) {
      const ran = await run(...args);
      expect(ran.out + ran.err).not.toContain('SSSS');
    }
    await using other = await startTinyApi();
    expect(await run('ps', '--url', other.url)).toMatchObject({ code: 3 });
    expect(await run('ps', '--url', other.url, '--key', other.adminKey)).toMatchObject({ code: 0 });
    expect(await writ(['ps'], { env: { WRIT_URL: other.url, WRIT_API_KEY: other.adminKey } })).toMatchObject({
      code: 0,
    });
  });
});

describe('pairing and connections', () => {
  test('invite prints the line alone on standard output', async () => {
    const ran = await run('invite', '--minutes', '5', '--operation', 'agent.status');
    expect(ran.out).toMatch(/^writ1\.\S+\n$/);
    expect(tinyPeers.invites[0]).toMatchObject({ operations: ['agent.status'] });
  });

  test('join shows hub, words and grant, and needs a yes from somebody', async () => {
    const line = 'writ1.eyJuYW1lIjoiaHViLTEifQ.abcd';
    const asked = await run('join', line, '--allow', 'worker', '--repo', 'https://example.org/*');
    expect(asked).toMatchObject({ code: 2 });
    expect(asked.err).toMatch(/hub-1[^]*able acid aunt away axis baby[^]*--yes/);
    expect(tinyPeers.hubs).toEqual([]);
    const joined = await run(
      'join',
      line,
      '--allow',
      'worker',
      '--repo',
      'https://example.org/*',
      '--yes',
      '-o',
      'json',
    );
    expect(joined.code).toBe(0);
    expect(tinyPeers.hubs[0]?.grant?.grant).toMatchObject({
      agentTypes: ['worker'],
      repositories: ['https://example.org/*'],
      operations: expect.arrayContaining(['agent.spawn', 'agent.kill']),
    });
  });

  test('without a grant a hub may ask for the status only', async () => {
    await run('join', 'writ1.eyJuYW1lIjoiaHViLTEifQ.abcd', '--yes');
    expect(tinyPeers.hubs[0]?.grant?.grant).toMatchObject({
      operations: ['agent.status'],
      agentTypes: [],
      repositories: [],
    });
    expect(await run('join', 'writ1.eyJuYW1lIjoiaHViLTEifQ.abcd', '--allow', 'worker', '--yes')).toMatchObject({
      code: 2,
    });
  });

  test('a grant is shown, kept in a file, edited and set', async () => {
    tinyPeers.hubs.push(tinyConnection('hub-1', statusOnly));
    const file = join(home, 'grant.json');
    await writeFile(file, JSON.stringify({ operations: ['agent.status'], surprise: true }));
    expect(await run('grants', 'set', 'hub-1', '--grant', file, '--yes')).toMatchObject({ code: 2 });
    await writeFile(file, JSON.stringify({ operations: ['agent.status'], concurrentMax: 2 }));
    expect(await run('grants', 'set', 'hub-1', '--grant', file, '--yes')).toMatchObject({ code: 0 });
    expect((await run('grants', 'show', 'hub-1')).out).toContain('at once\t2 agents');
  });

  test('an edit of a grant shows what it changes and asks; --dry-run changes nothing', async () => {
    tinyPeers.hubs.push(tinyConnection('hub-1', statusOnly));
    const wider = ['grants', 'set', 'hub-1', '--allow', 'worker', '--repo', 'https://git.example/**'];
    const asked = await run(...wider);
    expect([asked.code, asked.err]).toEqual([2, expect.stringContaining('+ agentTypes: it may spawn: worker')]);
    const looked = await run(...wider, '--dry-run', '-o', 'json');
    expect(JSON.parse(looked.out)).toMatchObject({ dryRun: true, version: 1, changes: expect.any(Array) });
    expect((await run(...wider, '--dry-run')).out).toContain('+ repositories: it may work on: https://git.example/**');
    expect(tinyPeers.hubs[0]?.grant?.version).toBe(1);
    expect(await run(...wider, '--yes', '--expect', '7')).toMatchObject({ code: 3 });
    expect((await run(...wider, '--yes')).out).toContain('version\t2');
    expect((await run(...wider, '--yes')).out).toContain('Nothing changed: this is version 2.');
  });

  test('grants edit opens the editor on the grant with its schema, and keeps what is no grant', async () => {
    tinyPeers.hubs.push(tinyConnection('hub-1', statusOnly));
    const edited = (script: string) =>
      writ(['grants', 'edit', 'hub-1', '--yes'], { env: { HOME: home, EDITOR: script, TMPDIR: home } });
    const good = await edited(
      `grep -q agent.spawn "$(dirname "$1")/grant.schema.json" && sed -i 's/"concurrentMax": 5/"concurrentMax": 1/'`,
    );
    expect([good.code, good.err]).toEqual([0, expect.stringContaining('- concurrentMax: concurrentMax is 1 at most')]);
    expect(tinyPeers.hubs[0]?.grant).toMatchObject({ version: 2, grant: { concurrentMax: 1 } });
    const bad = await edited(`sed -i 's/"concurrentMax": 1/"concurrentMax": "lots"/'`);
    expect([bad.code, bad.err]).toEqual([2, expect.stringContaining('concurrentMax: "lots" is not allowed')]);
    const [, file = ''] = /mend (\S+grant\.json)/.exec(bad.err) ?? [];
    expect(await run('grants', 'validate', file)).toMatchObject({ code: 2 });
    const failed = await edited('false');
    expect([failed.code, failed.err]).toEqual([2, expect.stringContaining('nothing changed')]);
    expect(tinyPeers.hubs[0]?.grant?.version).toBe(2);
  });

  test('grants validate and schema need no instance', async () => {
    const alone = (...args: string[]) => writ(args, { env: { HOME: '/nonexistent' } });
    const file = join(home, 'checked.json');
    await writeFile(file, '{"operations": ["root"], "sudo": true}');
    const [bad, json] = await Promise.all([
      alone('grants', 'validate', file),
      alone('grants', 'validate', file, '-o', 'json'),
    ]);
    expect(bad.code).toBe(2);
    expect(bad.out).toMatch(
      /operations\[0\]: "root" is not allowed. Allowed: agent.spawn.*\nsudo: true is not allowed/,
    );
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, faults: [{ path: 'operations[0]' }, { path: 'sudo' }] });
    await writeFile(file, JSON.stringify(statusOnly));
    expect(await alone('grants', 'validate', file)).toMatchObject({ code: 0, out: 'It is a grant.\n' });
    await writeFile(file, '{"operations": [');
    expect((await alone('grants', 'validate', file)).err).toContain('is not JSON');
    expect(JSON.parse((await alone('grants', 'schema')).out)).toMatchObject({ $id: 'urn:writ:grant:1' });
  });

  test('accept compares the six words and refuses the spoke when they differ', async () => {
    tinyPeers.spokes.push({ ...tinyConnection('spoke-1'), labels: {}, liveAgents: 0 });
    expect(await run('accept', 'spoke-1', '--words', 'other words than the spoke shows')).toMatchObject({ code: 3 });
    expect(tinyPeers.acts).toMatchObject([{ name: 'spoke-1', act: 'refuse' }]);
    expect(await run('accept', 'spoke-1', '--words', 'Able acid aunt away axis baby')).toMatchObject({ code: 0 });
    expect((await run('spokes')).out).toContain('spoke-1\tactive\tyes');
  });

  test('suspend, resume and unpair act on the peer of the side they are for', async () => {
    tinyPeers.hubs.push(tinyConnection('hub-1'));
    tinyPeers.spokes.push({ ...tinyConnection('spoke-1'), labels: {}, liveAgents: 0 });
    expect((await run('suspend', 'spoke-1', '--reason', 'night')).out).toContain('state\tsuspended');
    expect((await run('resume', 'hub-1', '--on', 'spoke')).out).toContain('state\tactive');
    expect(await run('unpair', 'spoke-1')).toMatchObject({ code: 2 });
    expect(await run('unpair', 'spoke-1', '--agents', 'keep', '--yes')).toMatchObject({ code: 0 });
    expect(tinyPeers.acts).toMatchObject([
      { act: 'suspend', body: { reason: 'night' } },
      { act: 'resume' },
      { body: { agents: 'keep' } },
    ]);
  });
});

describe('keys and doctor', () => {
  test('keys are made, listed and revoked; the secret is shown once', async () => {
    const made = JSON.parse((await run('keys', 'create', 'ci', '--role', 'operator', '-o', 'json')).out) as {
      id: string;
      key: string;
    };
    expect((await writ(['ps', '--url', hub.url, '--key', made.key])).code).toBe(0);
    const listed = await run('keys');
    expect(listed.out).toContain(`${made.id}\tci\toperator`);
    expect(listed.out).not.toContain(made.key);
    expect(await run('keys', 'revoke', made.id)).toMatchObject({ code: 0 });
    expect((await writ(['ps', '--url', hub.url, '--key', made.key])).code).toBe(3);
    expect((await run('keys', 'generate')).out).toMatch(/^writ_[a-z2-7]{10}_[\w-]{43}\n$/);
  });

  test('--watch prints what is new and nothing twice, until it is ended', async () => {
    const watching = startWrit(['hubs', '--watch', '0.5', '--on', 'spoke'], { env: { HOME: home } });
    const seen = { out: '', err: '' };
    watching.stdout?.on('data', (chunk: Buffer) => (seen.out += chunk.toString()));
    watching.stderr?.on('data', (chunk: Buffer) => (seen.err += chunk.toString()));
    tinyPeers.hubs.push(tinyConnection('one'));
    await until('the first is there', () => seen.out.includes('one\t'));
    tinyPeers.hubs.push(tinyConnection('two'));
    await until('the second is there', () => seen.out.includes('two\t'));
    expect(seen.out.match(/^(one|two)\t/gm)).toEqual(['one\t', 'two\t']);
    const exit = once(watching, 'exit');
    watching.kill('SIGINT');
    await exit;
    expect(seen.err).toBe('');
    expect(await run('hubs', '--watch', '0.1', '--on', 'spoke')).toMatchObject({ code: 2 });
    expect(await run('status', randomUUID(), '--watch', '--on', 'spoke')).toMatchObject({ code: 4 });
  });

  test('ready says yes, or no and why, or that nothing answers; it needs no key', async () => {
    expect(await writ(['ready', '--url', spoke.url])).toMatchObject({ code: 0, out: 'ready\tyes\n' });
    spoke.gateway.failure = new Error('away');
    const [no, alive] = await Promise.all([run('ready', '--on', 'spoke'), run('ready', '--alive', '--on', 'spoke')]);
    expect(no).toMatchObject({ code: 1, out: 'ready\tno\nbecause\tthe store does not answer\n' });
    expect(alive.code).toBe(0);
    const waiting = run('ready', '--wait', '20', '--on', 'spoke');
    spoke.gateway.failure = undefined;
    expect((await waiting).code).toBe(0);
    expect(await run('ready', '--url', 'http://127.0.0.1:9')).toMatchObject({ code: 5 });
  });

  test('doctor asks the instance, looks at modes and clock, and names the cure', async () => {
    const key = join(home, '.writ/hub/cli.key');
    await chmod(key, 0o644);
    const ran = await run('doctor', '-o', 'json');
    await chmod(key, 0o600);
    expect(ran.code).toBe(1);
    const checks = JSON.parse(ran.out) as { name: string; outcome: string; cure?: string; detail: string }[];
    expect(checks).toContainEqual(
      expect.objectContaining({ name: 'spoke: sandbox', outcome: 'failed', cure: 'apt install bubblewrap' }),
    );
    expect(checks).toContainEqual(
      expect.objectContaining({ name: 'modes', outcome: 'failed', cure: `chmod go-rwx ${key}` }),
    );
    for (const name of ['node', 'git', 'hub', 'spoke', 'spoke: clock'])
      expect(checks).toContainEqual(expect.objectContaining({ name, outcome: 'ok' }));
  });
});

describe('an old Node', () => {
  const old = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => Number(majorOf(path)) < 24);
  const onOld = requirement('a Node older than 24', old !== undefined, 'install Node 18 to 22 as /usr/bin/node');

  onOld('starts itself again with the one brought along, and passes exit codes on', async () => {
    const env = { HOME: home };
    expect(await writ(['--version'], { node: old, env })).toMatchObject({ code: 0, out: '0.1.0\n' });
    expect(await writ(['ps', '-o', 'json'], { node: old, env })).toMatchObject({ code: 0 });
    expect(await writ(['nonsense'], { node: old, env })).toMatchObject({ code: 2 });
  });
});

function majorOf(path: string): string {
  try {
    return execFileSync(path, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' });
  } catch {
    return '99';
  }
}
