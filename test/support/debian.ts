// What docker-compose.yml starts, without a registry: images of Debian's packages and of this machine's own Node and npm, and the
// docker-compose 2 that Debian has.
import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Engine } from './docker.js';
import { root } from './instance.js';

const run = promisify(execFile);
const mirror = 'http://deb.debian.org/debian';
const dockerfiles = join(root, 'test/deploy/started/images');
/** From one release, near in version to the images that are meant. */
const standIns = {
  valkey: 'valkey/valkey:8-alpine',
  nats: 'nats:2-alpine',
  prometheus: 'prom/prometheus:v2.53.0',
} as const;
const programs = ['valkey-server', 'nats-server', 'prometheus', 'docker-compose'];

export const baseImage = 'writ-base:bookworm';

/** Makes the base and the stand-ins, by the names of docker-compose.yml. Resolves with the docker-compose that it found on the way. */
export async function makeImages(engine: Engine, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const maker = await fetched('mmdebstrap', folder);
  await imported(engine, maker, folder, 'bookworm', ['ca-certificates']);
  await built(engine, join(dockerfiles, 'base.Dockerfile'), baseImage, await nodeAndNpm(join(folder, 'base')));
  const trixie = await imported(engine, maker, folder, 'trixie', ['ca-certificates', ...programs]);
  for (const [target, name] of Object.entries(standIns))
    await built(engine, join(dockerfiles, 'Dockerfile'), name, dockerfiles, '--target', target);
  const compose = './usr/libexec/docker/cli-plugins/docker-compose';
  await run('tar', ['-C', folder, '-xf', trixie, compose]);
  return join(folder, compose);
}

/** A program of a package that need not be installed. */
async function fetched(name: string, folder: string): Promise<string> {
  await run('apt-get', ['download', '-o', 'APT::Sandbox::User=root', name], { cwd: folder });
  const file = (await readdir(folder)).find((one) => one.startsWith(`${name}_`)) ?? '';
  await run('dpkg-deb', ['--extract', join(folder, file), join(folder, name)]);
  return join(folder, name, 'usr/bin', name);
}

/** A root of a release with these packages as the image `writ-debian:SUITE`. */
async function imported(engine: Engine, maker: string, folder: string, suite: string, packages: readonly string[]) {
  const tar = join(folder, `${suite}.tar`);
  const keyring = '--keyring=/usr/share/keyrings/debian-archive-keyring.gpg';
  await run('perl', [
    maker,
    '--quiet',
    '--variant=apt',
    keyring,
    `--include=${packages.join(',')}`,
    suite,
    tar,
    mirror,
  ]);
  await docker(engine, 'import', tar, `writ-debian:${suite}`);
  return tar;
}

async function built(engine: Engine, file: string, tag: string, context: string, ...more: readonly string[]) {
  await docker(engine, 'build', '--quiet', '--network', 'host', '--file', file, '--tag', tag, ...more, context);
}

/** Laid out as they are to lie in the image. */
async function nodeAndNpm(folder: string): Promise<string> {
  const { stdout } = await run('sh', ['-c', 'command -v npm']);
  const npm = dirname(dirname(await realpath(stdout.trim())));
  const local = join(folder, 'usr/local');
  await cp(process.execPath, join(local, 'bin/node'), { recursive: true, dereference: true });
  await cp(npm, join(local, 'lib/node_modules/npm'), { recursive: true });
  await run('ln', ['-s', '../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm')]);
  const trusted = await realpath('/etc/ssl/certs/ca-certificates.crt');
  await cp(trusted, join(folder, 'etc/ssl/certs/of-the-machine.crt'), { recursive: true });
  return folder;
}

/** What it prints. The builder of old: the newer one wants a bridge, or leave to do without. */
export async function docker({ socketPath }: Engine, ...args: readonly string[]): Promise<string> {
  const env = { ...process.env, DOCKER_BUILDKIT: '0' };
  return (await run('docker', ['--host', `unix://${socketPath}`, ...args], { env })).stdout.trim();
}
