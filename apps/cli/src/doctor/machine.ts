// What `writ doctor` looks at without asking anybody: the programs of this machine, and who can read what is secret.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Check } from '#protocol';
import type { Desk } from '../desk.js';
import { isExposed, stateDir } from '../instances.js';

const roles = ['hub', 'spoke'] as const;
const gitMin = [2, 31] as const;
const engineSocket = '/var/run/docker.sock';

/** Node, git, what sandboxes are made with, and a container engine where there is one. */
export function machineChecks(): Check[] {
  return [
    { name: 'node', outcome: 'ok', detail: process.version },
    oldGit(tool('git', 'failed', 'Install git 2.31 or newer: apt install git')),
    tool('bwrap', 'warning', 'Install bubblewrap for the sandbox `namespace`: apt install bubblewrap'),
    tool('unshare', 'warning', 'Install util-linux for the sandbox `unshare`: apt install util-linux'),
    ...engine(),
  ];
}

function tool(name: string, missing: Check['outcome'], cure: string): Check {
  const { status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8', timeout: 5_000 });
  const [line = ''] = (status === 0 ? stdout : '').split('\n');
  if (status === 0) return { name, outcome: 'ok', detail: line };
  return { name, outcome: missing, detail: 'is not installed, or does not run', cure };
}

/** Before 2.31 git takes no settings from the environment, by which a spoke keeps those of a repository out. */
function oldGit(check: Check): Check {
  const [, major = '', minor = ''] = /(\d+)\.(\d+)/.exec(check.detail) ?? [];
  const isOld = Number(major) < gitMin[0] || (Number(major) === gitMin[0] && Number(minor) < gitMin[1]);
  if (check.outcome !== 'ok' || !isOld) return check;
  const cure = 'A spoke needs git 2.31 or newer: of the backports of your distribution, or git-scm.com.';
  return { ...check, outcome: 'failed', detail: `${check.detail} is too old for a spoke`, cure };
}

/** Only where there is one: the level `docker` is for those who set an image. */
function engine(): Check[] {
  if (!existsSync(engineSocket)) return [];
  try {
    accessSync(engineSocket, constants.R_OK | constants.W_OK);
    return [{ name: 'engine', outcome: 'ok', detail: engineSocket }];
  } catch {
    const detail = `${engineSocket} is not for this user: a spoke of it has no sandbox \`docker\``;
    const cure = 'Wanted? usermod --append --groups docker USER, which makes the user as good as root. Else leave it.';
    return [{ name: 'engine', outcome: 'warning', detail, cure }];
  }
}

const secrets = ['', 'cli.key', 'keys', 'keys/identity.json', 'store.sqlite'];

/** Keys and store of an instance, and the keys of contexts, are for their owner only. */
export function modeChecks(desk: Desk): Check[] {
  const dirs = new Set(roles.map((role) => stateDir(desk.world, desk.flags, role)));
  const files = [...dirs].flatMap((dir) => secrets.map((name) => join(dir, name)));
  return [...files, join(desk.world.home, '.writ', 'contexts.json')].flatMap((file): Check[] => {
    const exposed = isExposed(file);
    if (exposed === undefined) return [];
    if (!exposed) return [{ name: 'modes', outcome: 'ok', detail: file }];
    const cure = `chmod go-rwx ${file}`;
    return [{ name: 'modes', outcome: 'failed', detail: `${file} can be read by others`, cure }];
  });
}
