// docker-compose.yml for real: the image from its Dockerfile, everything up by the commands of docs/deployment.md, on an engine of
// the test's own. Ten minutes and a mirror of Debian, so only under WRIT_SOAK:
//   WRIT_SOAK=1 npm test -- test/deploy/started
import { afterAll, describe, expect, test } from '@jest/globals';
import { bareEngine } from '../../support/docker.js';
import { running } from '../../support/processes.js';
import { requirement } from '../../support/require.js';
import { soak } from '../../support/soak.js';
import { until } from '../../support/until.js';
import { docker } from '../../support/debian.js';
import { Site, typed, unitCommand } from './site.js';

const { engine, missing } = soak ? await bareEngine() : { engine: undefined, missing: '`npm run soak`' };
const started = soak ? requirement('a container engine', engine !== undefined, missing) : test.skip;
afterAll(() => engine?.close(), 120_000);

const imagesMs = 20 * 60_000;
const storyMs = 8 * 60_000;
/** A scrape is due every 30 s. */
const scrapedMs = 120_000;
const nap = `3600.${process.pid}`;
const allowed = `file:///srv/shop --runtime hello --runtime patient`;
const spokes = ['spoke-one', 'spoke-two'];
const monitoring = 'docker-compose --profile monitoring up --detach prometheus';
let site: Site;
let roots: readonly string[];

const words = /^six words\s+(.+)$/gm;
const last = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].at(-1)?.[1] ?? '';
const invitation = (text: string) => last(text, /(writ1\.\S+)/g);

async function pair(spoke: string, { hub = 'hub', how = '' } = {}): Promise<void> {
  await site.writ(spoke, 'ready --wait 60');
  const invite = invitation(await site.writ('hub', `invite ${how}`));
  const joined = await site.writ(spoke, `join ${invite} --allow worker --repo ${allowed} --yes`);
  await site.writ(hub, `accept ${spoke} --words "${last(joined, words)}"`);
}

async function spawn(spoke: string, { hub = 'hub', runtime = 'hello', more = '--wait' } = {}): Promise<string> {
  const how = `--spoke ${spoke} --repo file:///srv/shop --runtime ${runtime} --item 'Do it.' ${more}`;
  return last(await site.writ(hub, `spawn ${how}`), /^agent\s+(\S+)$/gm);
}

const connected = (hub = 'hub') =>
  until(
    'the spokes are connected',
    async () => {
      const lines = (await site.writ(hub, 'spokes').catch(() => '')).split('\n');
      return spokes.every((name) => lines.some((line) => line.startsWith(`${name}\tactive\tyes`)));
    },
    90_000,
  );

const identity = async (service: string) =>
  (JSON.parse(await site.writ(service, 'keys show --output json')) as { readonly id: string }).id;
const identities = () => Promise.all(['hub', ...spokes].map(identity));

interface Target {
  readonly health: string;
  readonly lastScrape: string;
}

const asked = async <T>(path: string): Promise<T> =>
  JSON.parse(await site.beside('curl', '--silent', `http://127.0.0.1:9090/api/v1/${path}`)) as T;

/** Each of them, after this was called. */
async function scraped(): Promise<void> {
  const since = Date.now();
  const isUp = ({ health, lastScrape }: Target) => health === 'up' && Date.parse(lastScrape) > since;
  const look = async () => {
    const { data } = await asked<{ data: { activeTargets: readonly Target[] } }>('targets');
    return data.activeTargets.length === 3 && data.activeTargets.every(isUp);
  };
  await until('all are scraped', look, scrapedMs);
}

describe('docker-compose.yml, started', () => {
  started(
    'the image is built from its Dockerfile',
    async () => {
      site = await Site.lay(engine!, nap);
      await site.says('WRIT_ADMIN_KEY=unused', 'COMPOSE_PROFILES=hub');
      await site.types('docker-compose build loopback && rm .env');
      expect(await docker(engine!, 'run', '--rm', '--network', 'none', 'writ:local', 'keys', 'generate')).toMatch(
        /^writ_/,
      );
      await engine!.away('SIGTERM');
      await engine!.back('apart');
    },
    imagesMs,
  );

  started(
    'hub and spokes come up and pair by what docs/deployment.md has one type',
    async () => {
      let seen = '';
      for (const line of await typed('With docker-compose')) {
        const known = { INVITE: invitation(seen), REPOSITORY: allowed, SPOKE_WORDS: last(seen, words) };
        seen += await site.types(
          line.replace(/\b(INVITE|REPOSITORY|SPOKE_WORDS)\b/g, (name) => known[name as keyof typeof known]),
        );
      }
      await pair('spoke-two');
      await connected();
      roots = await identities();
      expect(new Set(roots).size).toBe(3);
    },
    storyMs,
  );

  started(
    'all are healthy',
    async () => {
      for (const service of ['hub', ...spokes])
        await until(
          `${service} is healthy`,
          async () => {
            const id = (await site.types(`docker-compose ps --quiet ${service}`)).trim();
            return (await docker(engine!, 'inspect', '--format={{.State.Health.Status}}', id)) === 'healthy';
          },
          120_000,
        );
    },
    storyMs,
  );

  started(
    'an agent on each is followed to its diff on the hub, and a kill leaves nothing',
    async () => {
      for (const spoke of spokes) {
        expect(await site.writ('hub', `diff ${await spawn(spoke)}`)).toContain('+Hello from an agent.');
        const id = await spawn(spoke, { runtime: 'patient', more: '' });
        await until('it is at work', () => running(`sleep ${nap}`).length > 1, 60_000);
        expect(await site.writ('hub', `kill ${id} --reason enough`)).toMatch(/survivors\s+0/);
        expect(running(`sleep ${nap}`)).toEqual([]);
      }
    },
    storyMs,
  );

  started(
    'Prometheus scrapes all of them and has taken the rules',
    async () => {
      await site.types(monitoring);
      await until('it answers', () => asked('targets').catch(() => undefined), 60_000);
      await scraped();
      const { data } = await asked<{ data: { groups: { rules: { health: string }[] }[] } }>('rules');
      const rules = data.groups.flatMap((group) => group.rules);
      expect(rules.length).toBeGreaterThan(20);
      expect(rules.filter(({ health }) => health === 'err')).toEqual([]);
    },
    storyMs,
  );

  started(
    'a hub that starts again is found by all the others',
    async () => {
      await site.types('docker-compose restart hub && docker-compose exec -T hub writ ready --wait 60');
      await connected();
      await scraped();
    },
    storyMs,
  );

  started(
    'an engine that starts again brings a part of it back, and the unit the rest',
    async () => {
      await engine!.away('SIGTERM');
      await engine!.back('apart');
      await site.types(await unitCommand('compose'));
      await site.types(monitoring);
      await connected();
      await until('Prometheus answers', () => asked('targets').catch(() => undefined), 60_000);
      await scraped();
    },
    storyMs,
  );

  started(
    '`down` leaves the volumes alone, and `up` on them finds the same instances',
    async () => {
      await site.types("docker-compose --profile '*' down");
      const left = await site.left();
      expect(left.filter((one) => !one.startsWith('volume '))).toEqual([]);
      expect(left).toEqual(
        expect.arrayContaining(['hub', 'prometheus', ...spokes].map((name) => `volume site_${name}`)),
      );
      await site.types('docker-compose up --detach && docker-compose exec -T hub writ ready --wait 60');
      await connected();
      expect(await identities()).toEqual(roots);
      expect(await spawn('spoke-one')).not.toBe('');
      await site.types("docker-compose --profile '*' down --volumes");
      expect(await site.left()).toEqual([]);
    },
    storyMs,
  );

  started(
    'two replicas of the hub share Valkey, reach the spokes at a broker, and one goes on alone',
    async () => {
      await site.says('WRIT_STORE=redis://valkey:6379/', 'WRIT_BROKER__URL=nats://127.0.0.1:4222');
      await site.says('COMPOSE_PROFILES=spokes,valkey,broker,replicas');
      await site.types(
        'docker-compose up --detach --scale hub-two=0 && docker-compose exec -T hub writ ready --wait 60',
      );
      await site.types('docker-compose up --detach hub-two && docker-compose exec -T hub-two writ ready --wait 60');
      for (const spoke of spokes) await pair(spoke, { hub: 'hub-two', how: '--broker' });
      await connected();
      expect(await site.writ('hub-two', 'spokes')).toContain('\tbroker\t');
      const id = await spawn('spoke-one', { hub: 'hub-two' });
      expect(await site.writ('hub', `diff ${id}`)).toContain('+Hello from an agent.');
      await site.types('docker-compose kill hub');
      await connected('hub-two');
      expect(await spawn('spoke-two', { hub: 'hub-two' })).not.toBe('');
      expect(await site.writ('hub-two', `diff ${id}`)).toContain('+Hello from an agent.');
    },
    storyMs,
  );

  started(
    'Valkey and NATS answer where docker-compose.yml tells processes of this machine to look',
    async () => {
      await site.types('docker-compose --profile nats up --detach nats');
      const says = (port: number, line: string) =>
        site.beside('bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${port}; printf '${line}\\r\\n' >&3; head -1 <&3`);
      await until('the broker answers', () => says(4222, 'PING').catch(() => undefined), 30_000);
      expect(await says(4222, 'PING')).toMatch(/^INFO \{/);
      expect(await says(6380, 'PING')).toContain('+PONG');
    },
    storyMs,
  );

  started(
    '`down --volumes` leaves nothing',
    async () => {
      await site.types("docker-compose --profile '*' down --volumes");
      expect(await site.left()).toEqual([]);
    },
    storyMs,
  );
});
