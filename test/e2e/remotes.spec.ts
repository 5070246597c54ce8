// A spoke with a token for a repository that wants one: the agent works on it, and the token is nowhere to be found.
import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Federation, refusal, type Player } from '../support/federation.js';
import { GitHttps, gitHttpsRequirement } from '../support/git-https.js';
import { requirement } from '../support/require.js';
import { until } from '../support/until.js';
import { filesWith, processesOf, type Seen } from '../support/secrets.js';

const token = 'writ-test-8c0d2b71aa';
const stage = await Federation.open();
const sealed = requirement('a sandbox', stage.sandbox !== 'none', 'apt-get install bubblewrap');
const withServer = requirement(...gitHttpsRequirement);
const story = stage.sandbox === 'none' ? sealed : withServer;
let server: GitHttps;
let hub: Player;
let spoke: Player;
let repository: string;

beforeAll(async () => {
  if (!gitHttpsRequirement[1]) return;
  const [root, keys] = [stage.room('served'), stage.room('keys')];
  execFileSync('git', ['clone', '--quiet', '--bare', stage.repository, join(root, 'story.git')], { stdio: 'ignore' });
  server = await GitHttps.start({ root, keys, username: 'robot', password: token });
  stage.afterwards(() => server.close());
  repository = `${server.url}/story.git`;
  const https = { tokenEnv: 'STORY_TOKEN', username: 'robot', caFile: server.caFile };
  const remotes = [{ repositories: [`${server.url}/**`], https, push: ['local/*'] }];
  hub = await stage.hub();
  spoke = await stage.spoke('acme', { remotes, logLevel: 'debug' }, { STORY_TOKEN: token });
  await stage.pair(hub, spoke, stage.grant({ repositories: [`${server.url}/**`], push: ['writ/*', 'fix/**'] }));
}, 120_000);
afterEach(() => {
  if (!gitHttpsRequirement[1]) return;
  server.instead = () => false;
  server.admitted = server.served = () => Promise.resolve();
});
afterAll(() => stage.close(), 60_000);

const served = (...args: string[]) =>
  execFileSync('git', ['-c', 'safe.directory=*', '-C', join(stage.folder, 'served', 'story.git'), ...args], {
    encoding: 'utf8',
  }).trim();

/** A worker that commits, with a push asked for. */
const pushing = (push: { branch?: string }, script = 'echo new > new; echo ready') => ({
  context: { repository, branch: 'main', workItems: [Buffer.from(script).toString('base64')] },
  options: { runtime: 'shell', push },
});

/** All that an agent can see of its surroundings. */
const lookAround = `env; cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'; git config --list --show-origin; cat .git/config; git remote -v; echo looked`;

describe('an agent on a repository behind a token', () => {
  story(
    '[W-4] [L-9] works on it; its sandbox, every process, the state folder, store, log and events are without the token',
    async () => {
      const seen: Seen[] = [];
      server.admitted = () => Promise.resolve(void seen.push(...processesOf(/^(git|sh|ssh|askpass|dash)/)));
      const context = { repository, branch: 'main', workItems: [Buffer.from(lookAround).toString('base64')] };
      const { agentId } = await stage.spawn(hub, 'acme', '', { context });
      expect(await stage.ended(hub, agentId, 40_000)).toMatchObject({ state: 'completed' });
      const { text } = await hub.client.agents.readOutput(agentId);
      expect(text).toContain('looked');
      expect(text).toContain('WRIT_TASK');
      expect(seen.map(({ name }) => name)).toContain('git-remote-https');
      const sent = Buffer.from(`robot:${token}`).toString('base64');
      for (const secret of [token, sent]) {
        expect(text).not.toContain(secret);
        expect(JSON.stringify(seen)).not.toContain(secret);
        expect([...spoke.instance.log, ...hub.instance.log].join('')).not.toContain(secret);
        expect(filesWith(stage.folder, secret)).toEqual([]);
      }
    },
    120_000,
  );

  story(
    'is told why when the token is no longer taken, without a word of it',
    async () => {
      server.instead = (request, response) => {
        response.writeHead(403, { 'content-type': 'text/plain' }).end(`${request.headers.authorization}\n`);
        return true;
      };
      const context = { repository, branch: 'main', workItems: ['dHJ1ZQ=='] };
      const { agentId } = await stage.spawn(hub, 'acme', '', { context });
      const agent = await stage.ended(hub, agentId, 40_000);
      expect(agent).toMatchObject({ state: 'failed', exitReason: 'repository_error' });
      expect(agent.reason).toMatch(/does not let this spoke in/);
      expect(filesWith(stage.folder, token)).toEqual([]);
    },
    120_000,
  );
});

describe('a push over the federation', () => {
  story(
    '[F-5] goes to the agent’s own branch, or to one that the grant names, and nowhere else',
    async () => {
      const { agentId } = await stage.spawn(hub, 'acme', '', pushing({}));
      const own = await stage.ended(hub, agentId, 40_000);
      expect(own).toMatchObject({ state: 'completed', options: { push: { branch: `writ/${agentId}` } } });
      expect(own.result?.push).toEqual({ branch: `writ/${agentId}`, commit: own.result?.commit });
      expect(served('rev-parse', `writ/${agentId}`)).toBe(own.result?.commit);
      const named = await stage.ended(hub, (await stage.spawn(hub, 'acme', '', pushing({ branch: 'fix/a' }))).agentId);
      expect(served('rev-parse', 'fix/a')).toBe(named.result?.commit);
      for (const branch of ['main', 'other', 'local/a'])
        expect(await refusal(stage.spawn(hub, 'acme', '', pushing({ branch })))).toMatchObject({
          code: 'grant_denied',
          field: 'push',
        });
      expect([...spoke.instance.log, JSON.stringify([own, named])].join('')).not.toContain(token);
      expect(filesWith(stage.folder, token)).toEqual([]);
    },
    120_000,
  );

  story(
    '[F-7] of this spoke’s own agents goes where its configuration says',
    async () => {
      const { agentId } = await stage.spawn(spoke, undefined, '', pushing({ branch: 'local/a' }));
      const agent = await stage.ended(spoke, agentId, 40_000);
      expect(served('rev-parse', 'local/a')).toBe(agent.result?.commit);
      for (const push of [{ branch: 'fix/a' }, {}])
        expect(await refusal(stage.spawn(spoke, undefined, '', pushing(push)))).toMatchObject({
          code: 'invalid_request',
        });
    },
    120_000,
  );

  const crashes = ['before it arrived', 'after it arrived', 'after it arrived and somebody went on from it'] as const;
  for (const [n, when] of crashes.entries())
    story(
      `[L-12] is found or sent by the next start when the spoke dies ${when}, and recorded once`,
      async () => {
        const branch = `fix/crash-${n}`;
        const atWork = Promise.withResolvers<undefined>();
        const hold = (request: { readonly method?: string; readonly url?: string }) =>
          request.method === 'POST' && request.url?.endsWith('git-receive-pack') === true;
        const stop = (request: Parameters<typeof hold>[0]) => {
          if (!hold(request)) return Promise.resolve();
          atWork.resolve(undefined);
          return new Promise<void>(() => undefined);
        };
        if (n === 0) server.admitted = stop;
        else server.served = stop;
        const { agentId } = await stage.spawn(hub, 'acme', '', pushing({ branch }));
        await atWork.promise;
        await spoke.restart('SIGKILL', () => {
          server.admitted = server.served = () => Promise.resolve();
          if (n === 2) served('update-ref', `refs/heads/${branch}`, onTopOf(branch));
        });
        const agent = await stage.ended(spoke, agentId, 40_000);
        expect(agent).toMatchObject({ state: 'completed', exitReason: 'finished' });
        expect(agent.result?.push).toEqual({ branch, commit: agent.result?.commit });
        expect(served('rev-parse', n === 2 ? `${branch}^` : branch)).toBe(agent.result?.commit);
        const there = await until('the hub knows', async () => {
          const seen = await hub.client.agents.get(agentId);
          return seen.state === 'completed' ? seen : undefined;
        });
        expect(there.result?.push).toEqual(agent.result?.push);
      },
      120_000,
    );

  story(
    'that the host does not let in fails the agent and keeps its work',
    async () => {
      server.instead = (request, response) => {
        if (request.url?.includes('git-receive-pack') !== true) return false;
        response.writeHead(403).end();
        return true;
      };
      const agent = await stage.ended(hub, (await stage.spawn(hub, 'acme', '', pushing({ branch: 'fix/no' }))).agentId);
      expect(agent).toMatchObject({ state: 'failed', exitReason: 'push_failed' });
      expect(agent.reason).toMatch(/does not let this spoke in/);
      expect((await hub.client.agents.diff(agent.agentId)).text).toContain('+new');
    },
    120_000,
  );
});

function onTopOf(branch: string): string {
  const tree = served('rev-parse', `${branch}^{tree}`);
  const who = ['-c', 'user.name=S', '-c', 'user.email=s@example.org'];
  return served(...who, 'commit-tree', tree, '-p', branch, '-m', 'on top');
}
