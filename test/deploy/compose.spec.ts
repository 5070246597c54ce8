// docker-compose.yml and the image: what can be known of them without an engine. All of it is built and started under WRIT_SOAK
// (started/started.spec.ts).
import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig as hubConfig } from '../../apps/hub/src/config.js';
import { readConfig as spokeConfig } from '../../apps/spoke/src/config.js';
import { root } from '../support/instance.js';
import { requirement } from '../support/require.js';

interface Service {
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number | null>>;
  readonly volumes?: readonly string[];
  readonly profiles?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly image: string;
  readonly ports?: readonly string[];
  readonly network_mode?: string;
  readonly restart?: string;
}

const groups = ['hub', 'spokes', 'valkey', 'nats', 'broker', 'monitoring'];
const compose = (env: Readonly<Record<string, string>>, ...args: string[]) =>
  spawnSync('docker-compose', [...groups.flatMap((group) => ['--profile', group]), ...args], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, ...env },
  });

/** By the library that docker-compose itself reads with. */
function fromYaml(text: string): unknown {
  const program = 'import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))';
  return JSON.parse(spawnSync('python3', ['-c', program], { input: text, encoding: 'utf8' }).stdout);
}

const known = spawnSync('docker-compose', ['version'], { encoding: 'utf8' }).status === 0;
const withCompose = requirement('docker-compose', known, '`apt-get install docker-compose`');
const dockerfile = readFileSync(join(root, 'deploy/image/Dockerfile'), 'utf8');

let services: Readonly<Record<string, Service>> = {};

describe('docker-compose.yml', () => {
  withCompose('asks for the secret that is missing, and says how to make it', () => {
    const { status, stderr } = compose({}, 'config');
    expect(status).not.toBe(0);
    expect(stderr).toContain('make one with `writ keys generate`');
  });

  withCompose('is one that docker-compose takes, with a profile for every group', () => {
    const { status, stdout, stderr } = compose({ WRIT_ADMIN_KEY: 'given' }, 'config');
    expect([status, stderr]).toEqual([0, '']);
    ({ services } = fromYaml(stdout) as { services: typeof services });
    expect(Object.keys(services).sort()).toEqual(
      ['broker', 'grafana', 'hub', 'loopback', 'nats', 'prometheus', 'spoke-one', 'spoke-two', 'valkey'].sort(),
    );
    expect(Object.values(services).filter(({ profiles = [] }) => profiles.length === 0)).toEqual([]);
    expect([...new Set(Object.values(services).flatMap(({ profiles = [] }) => profiles))].sort()).toEqual(
      groups.sort(),
    );
  });

  withCompose('has no secret of its own, and no port that the network reaches', () => {
    const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
    const given = [...text.matchAll(/^\s+(\w*(?:KEY|SECRET|PASSWORD|TOKEN)\w*):(.*)$/gm)];
    const own = given.filter(
      ([, name = '', value = '']) => !/^$|^\$\{\w+:\?[^}]+\}$/.test(value.trim()) && !name.endsWith('__FILE'),
    );
    expect([given.length > 2, own.map(([line]) => line)]).toEqual([true, []]);
    const ports = Object.values(services).flatMap(({ ports: some = [] }) => some);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  withCompose('starts hub and spokes with settings that they take, on a read-only root, without capabilities', () => {
    for (const name of ['hub', 'spoke-one', 'spoke-two']) {
      const service = services[name];
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
      expect(service?.security_opt).toContain('no-new-privileges');
      const [role, ...argv] = service?.command ?? [];
      const given = Object.entries(service?.environment ?? {}).filter(([, value]) => value !== null);
      const env = Object.fromEntries(given.map(([key, value]) => [key, String(value)]));
      const config = role === 'hub' ? hubConfig(env, argv) : spokeConfig(env, argv);
      expect(config.name).toBe(name);
    }
  });

  withCompose('starts each of them again by itself, and hangs no network on one that does something', () => {
    const all = Object.entries(services);
    expect(all.filter(([, { restart }]) => restart !== 'unless-stopped').map(([name]) => name)).toEqual([]);
    const shared = new Set(all.flatMap(([, { network_mode: mode }]) => mode ?? []));
    expect([...shared]).toEqual(['service:loopback']);
    expect(services.loopback?.command ?? []).toEqual([]);
  });

  withCompose('mounts files of the repository that there are', () => {
    const bound = Object.values(services).flatMap(({ volumes = [] }) => volumes.map((one) => one.split(':')[0] ?? ''));
    const files = bound.filter((path) => path.startsWith('/'));
    expect(files.length).toBeGreaterThan(3);
    expect(files.filter((path) => !existsSync(path))).toEqual([]);
  });

  withCompose('Prometheus looks where the instances show their figures', () => {
    const scraped = readFileSync(join(root, 'deploy/compose/prometheus.yml'), 'utf8');
    const shown = Object.values(services).flatMap(({ environment }) => environment?.WRIT_METRICS_PORT ?? []);
    expect(shown.map((port) => `127.0.0.1:${port}`).sort()).toEqual(
      [...scraped.matchAll(/127\.0\.0\.1:\d+/g)].map(([target]) => target).sort(),
    );
  });
});

describe('the image', () => {
  test('is of several stages, for a user that is not root, with a health check, and any base can be given', () => {
    expect(dockerfile.match(/^FROM \$\{BASE\}/gm)).toHaveLength(2);
    expect(dockerfile).toMatch(/^USER 10001:10001$/m);
    expect(dockerfile).toMatch(/^HEALTHCHECK .*CMD \["writ", "ready", "--alive"\]$/m);
    expect(dockerfile).toMatch(/^ENTRYPOINT \["\/usr\/bin\/tini", "--", "writ"\]$/m);
  });

  test('has all that the package has to run', () => {
    const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };
    const runs = files.filter((path) => /^(apps|dist)\//.test(path));
    expect(runs.filter((path) => !dockerfile.includes(`COPY --from=build /src/${path} ${path}\n`))).toEqual([]);
  });

  test('is made of what there is and of nothing that the context leaves out', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, from = '']) => from.split(' '));
    const allowed = readFileSync(join(root, '.dockerignore'), 'utf8');
    for (const path of copied.filter((one) => one !== '.')) {
      expect([path, existsSync(join(root, path))]).toEqual([path, true]);
      expect(allowed).toContain(`\n!${path}\n`);
    }
  });
});
