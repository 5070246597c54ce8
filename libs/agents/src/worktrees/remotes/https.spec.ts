// A token over https: a real git server with a password, real git, and a look at every process that git makes.
import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { GitHttps, gitHttpsRequirement } from '../../../../../test/support/git-https.js';
import { requirement } from '../../../../../test/support/require.js';
import { filesWith, processesOf, type Seen } from '../../../../../test/support/secrets.js';
import type { WorktreeOptions } from '../git-worktrees.js';
import { never, refusalOf, Remoted, token, username } from '../../../../../test/support/remoted.js';

const withServer = requirement(...gitHttpsRequirement);
const sentSecret = Buffer.from(`${username}:${token}`).toString('base64');
let place: Remoted;
let server: GitHttps;
let repository: string;

beforeEach(async () => {
  if (!gitHttpsRequirement[1]) return;
  place = new Remoted();
  server = await GitHttps.start({ root: place.served, keys: place.keys, username, password: token });
  repository = `${server.url}/team/sum.git`;
});
afterEach(async () => {
  if (!gitHttpsRequirement[1]) return;
  await server.close();
  place.close();
});

const remote = (https: object) => [
  { repositories: [`${server.url}/**`], https: { username, caFile: server.caFile, ...https } },
];
const worktrees = (https: object = { tokenFile: place.tokenFile }, more: Partial<WorktreeOptions> = {}) =>
  place.worktrees(remote(https), more);

describe('a repository over https', () => {
  withServer('is fetched with the token of a file, exchanged while the spoke runs', async () => {
    const trees = worktrees();
    expect(readFileSync(join((await place.create(trees, repository)).path, 'sum.js'), 'utf8')).toBe('one\n');
    writeFileSync(place.tokenFile, 'of-yesterday\n');
    expect((await refusalOf(place.create(trees, repository))).message).toMatch(/does not let this spoke in/);
    writeFileSync(place.tokenFile, token);
    expect((await place.create(trees, repository)).base).toHaveLength(40);
  });

  withServer('is fetched with the token of a variable, read when it is needed', async () => {
    const variable = (name: string) => (name === 'GIT_TOKEN' ? token : undefined);
    expect((await place.create(worktrees({ tokenEnv: 'GIT_TOKEN' }, { variable }), repository)).base).toHaveLength(40);
    const empty = await refusalOf(place.create(worktrees({ tokenEnv: 'OTHER' }, { variable }), repository));
    expect(empty).toMatchObject({ code: 'repository_unavailable', field: 'context.repository' });
    expect(empty.message).toMatch(/holds no token/);
  });

  withServer('[W-4] no argument, environment, file, log or error shows the token', async () => {
    const seen: Seen[] = [];
    server.admitted = () => Promise.resolve(void seen.push(...processesOf(/^(git|sh|ssh|askpass|dash)/)));
    const { path } = await place.create(worktrees(), repository);
    expect(seen.map(({ name }) => name)).toContain('git-remote-https');
    writeFileSync(place.tokenFile, `${token}-not`);
    const error = await refusalOf(place.create(worktrees(), repository));
    const said = [JSON.stringify(seen), inspect(error, { depth: 9 }), inspect(error.cause)].join('\n');
    expect(inspect(error.cause)).toContain('[secret]');
    for (const secret of [token, sentSecret, Buffer.from(`${username}:${token}-not`).toString('base64')]) {
      expect(said).not.toContain(secret);
      expect(filesWith(place.folder, secret, [place.tokenFile])).toEqual([]);
    }
    expect(readFileSync(join(path, '.git', 'config'), 'utf8')).not.toMatch(/http|askpass|credential/i);
    const mirrors = join(place.root, 'mirrors');
    expect(readFileSync(join(mirrors, readdirSync(mirrors)[0] ?? '', 'config'), 'utf8')).not.toMatch(/remote|http/);
  });

  withServer(
    'the token is for its host alone: not after a redirect, not for another port, not without TLS',
    async () => {
      const other = await GitHttps.start({ root: place.served, keys: place.keys, username, password: token });
      const plain = await GitHttps.plain({ root: place.served, keys: place.keys, username, password: token });
      try {
        for (const target of [other, plain]) {
          server.instead = (request, response) => {
            response.writeHead(302, { location: `${target.url}${request.url}` }).end();
            return true;
          };
          expect((await refusalOf(place.create(worktrees(), repository))).message).toMatch(/has moved/);
        }
        const environment = { GIT_SSL_CAINFO: server.caFile };
        const strange = await refusalOf(
          place.create(worktrees(undefined, { environment }), `${other.url}/team/sum.git`),
        );
        expect(strange.message).toMatch(/does not let this spoke in/);
        const open = await refusalOf(place.create(worktrees(), `${plain.url}/team/sum.git`));
        expect(open.message).toMatch(/https and ssh only/);
        expect([...other.requests, ...plain.requests].filter(({ authorization }) => authorization)).toEqual([]);
        expect(plain.requests).toEqual([]);
      } finally {
        await other.close();
        await plain.close();
      }
    },
  );

  withServer('a token file that others can read is refused, and not sent', async () => {
    chmodSync(place.tokenFile, 0o640);
    const error = await refusalOf(place.create(worktrees(), repository));
    expect(error).toMatchObject({ code: 'repository_unavailable' });
    expect(error.message).toMatch(/chmod 600/);
    expect(error.message).not.toContain(place.folder);
    expect(server.requests).toEqual([]);
  });

  withServer('a host without a valid certificate gets nothing', async () => {
    const error = await refusalOf(
      place.create(worktrees({ tokenFile: place.tokenFile, caFile: undefined }), repository),
    );
    expect(error.message).toMatch(/certificate/);
    expect(server.requests).toEqual([]);
  });

  withServer('what is not there, too large or too slow is named as such', async () => {
    const absent = await refusalOf(place.create(worktrees(), `${server.url}/team/none.git`));
    expect(absent.message).toMatch(/no such repository/);
    const branch = await refusalOf(place.create(worktrees(), repository, 'none'));
    expect(branch).toMatchObject({ field: 'context.branch' });
    const large = await refusalOf(place.create(worktrees(undefined, { fetchBytesMax: 1 }), repository));
    expect(large.message).toMatch(/too large/);
    server.instead = () => true;
    const slow = await refusalOf(place.create(worktrees(undefined, { fetchTimeMsMax: 1_000 }), repository));
    expect(slow.message).toMatch(/longer than 1000 ms/);
    expect(processesOf(/^git-remote-https/).filter(({ argv }) => argv.includes(server.url))).toEqual([]);
  });

  withServer('an aborted fetch ends what git started', async () => {
    const abort = new AbortController();
    server.instead = () => {
      abort.abort(new Error('no longer wanted'));
      return true;
    };
    const request = { agentId: '9b2e0c54-6a1f-4a6e-8f0e-1b5f5d6a7c80', repository, branch: 'main' };
    await expect(worktrees().create(request, abort.signal)).rejects.toThrow('no longer wanted');
    expect(never.aborted).toBe(false);
  });
});
