// A clone of the repository beside an engine, and somebody at a shell in it.
import { execFile } from 'node:child_process';
import { appendFile, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { baseImage, docker, makeImages } from '../../support/debian.js';
import type { Engine } from '../../support/docker.js';
import { root } from '../../support/instance.js';

const run = promisify(execFile);
/** That of the image. */
const user = '10001:10001';
/** What one command may take; a build is the longest. */
const callMs = 15 * 60_000;

export class Site {
  readonly folder: string;

  private constructor(readonly engine: Engine) {
    this.folder = join(engine.folder, 'site');
  }

  /** With the images that there are no others of, and what docker-compose.override.yml wants. `nap` is typed by agents that wait. */
  static async lay(engine: Engine, nap: string): Promise<Site> {
    const site = new Site(engine);
    const bin = join(engine.folder, 'bin');
    await mkdir(bin);
    await mkdir(site.folder);
    await run('sh', ['-c', clone, 'sh', site.folder], { cwd: root });
    await cp(
      join(root, 'test/deploy/started/docker-compose.override.yml'),
      join(site.folder, 'docker-compose.override.yml'),
    );
    await writeFile(join(site.folder, 'spoke.json'), JSON.stringify(settings(nap)));
    await site.types(repository);
    await symlink(await makeImages(engine, join(engine.folder, 'debian')), join(bin, 'docker-compose'));
    await symlink(join(root, 'apps/cli/bin/writ.mjs'), join(bin, 'writ'));
    return site;
  }

  /** What the line prints. @throws Error with all that it said when it fails */
  async types(line: string): Promise<string> {
    const env = {
      PATH: `${join(this.engine.folder, 'bin')}:${process.env.PATH ?? ''}`,
      HOME: this.engine.folder,
      DOCKER_HOST: `unix://${this.engine.socketPath}`,
      DOCKER_BUILDKIT: '0',
      WRIT_BASE_IMAGE: baseImage,
    };
    const options = { cwd: this.folder, env, timeout: callMs, maxBuffer: 64 * 1024 * 1024 };
    return (await run('sh', ['-c', line], options)).stdout;
  }

  /** In `.env`, the last of a name counting. */
  async says(...lines: readonly string[]): Promise<void> {
    await appendFile(join(this.folder, '.env'), lines.map((line) => `${line}\n`).join(''));
  }

  /** `writ` in a container. */
  async writ(service: string, command: string): Promise<string> {
    return this.types(`docker-compose exec -T ${service} writ ${command}`);
  }

  /** As a program of the machine that the engine's ports are published on. */
  async beside(...command: readonly string[]): Promise<string> {
    return (await run('nsenter', ['--target', String(this.engine.pid), '--net', ...command])).stdout;
  }

  /** What there is of it in the engine: `container NAME`, `network NAME`, `volume NAME`. */
  async left(): Promise<string[]> {
    const kinds = Object.entries(lists).map(async ([kind, list]) => {
      const names = (await docker(this.engine, ...list)).split('\n').filter((name) => name.startsWith('site'));
      return names.map((name) => `${kind} ${name}`);
    });
    return (await Promise.all(kinds)).flat();
  }
}

const lists = {
  container: ['ps', '--all', '--format={{.Names}}'],
  network: ['network', 'ls', '--format={{.Name}}'],
  volume: ['volume', 'ls', '--quiet'],
};

/** What git knows or would take in, as it lies there. */
const clone = `git ls-files -z --cached --others --exclude-standard \
  | tar --null --ignore-failed-read --files-from=- -cf - | tar -C "$1" -xf -`;

const repository = `set -e
  git init --quiet --initial-branch main shop
  git -C shop -c user.name=You -c user.email=you@example.org commit --quiet --allow-empty --message 'A shop'
  chown -R ${user} shop`;

function settings(nap: string): object {
  return {
    repositories: { allowFile: true },
    runtimes: {
      claude: { kind: 'claude' },
      hello: { kind: 'command', argv: ['sh', '-c', "echo 'Hello from an agent.' > HELLO.md"] },
      patient: { kind: 'command', argv: ['sh', '-c', `setsid sleep ${nap} & exec sleep ${nap}`] },
    },
  };
}

/** What a unit of deploy/systemd runs. */
export async function unitCommand(unit: string): Promise<string> {
  const text = await readFile(join(root, `deploy/systemd/writ-${unit}.service`), 'utf8');
  return /^ExecStart=\/usr\/bin\/(.+)$/m.exec(text)?.[1] ?? '';
}

/** The first block of shell under a heading of docs/deployment.md, by line, without what is said beside it. */
export async function typed(heading: string): Promise<string[]> {
  const page = await readFile(join(root, 'docs/deployment.md'), 'utf8');
  const section = page.split(/^## /m).find((one) => one.startsWith(`${heading}\n`)) ?? '';
  const [, block = ''] = /^```sh\n([^]*?)^```/m.exec(section) ?? [];
  return block
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/\s{2,}#.*$/, ''));
}
