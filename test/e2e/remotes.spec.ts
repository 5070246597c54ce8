// A spoke with a token for a repository that wants one: the agent works on it, and the token is nowhere to be found.
import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Federation, type Player } from '../support/federation.js';
import { GitHttps, gitHttpsRequirement } from '../support/git-https.js';
import { requirement } from '../support/require.js';
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
  const remotes = [{ repositories: [`${server.url}/**`], https }];
  hub = await stage.hub();
  spoke = await stage.spoke('acme', { remotes, logLevel: 'debug' }, { STORY_TOKEN: token });
  await stage.pair(hub, spoke, stage.grant({ repositories: [`${server.url}/**`] }));
}, 60_000);
afterAll(() => stage.close(), 60_000);

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
      expect(await stage.ended(hub, agentId)).toMatchObject({ state: 'completed' });
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
    60_000,
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
      const agent = await stage.ended(hub, agentId);
      expect(agent).toMatchObject({ state: 'failed', exitReason: 'repository_error' });
      expect(agent.reason).toMatch(/does not let this spoke in/);
      expect(filesWith(stage.folder, token)).toEqual([]);
    },
    60_000,
  );
});
