// `writ doctor`: looks at this machine and asks the instance that runs here; every finding comes with its cure.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Command } from 'commander';
import { WritError } from '#protocol';
import type { Check, InstanceResource } from '#protocol';
import { Desk } from '../desk.js';
import { isExposed, locate, stateDir } from '../instances.js';
import type { Column } from '../printer.js';
import type { World } from '../world.js';

const clockMsMax = 5_000;
const roles = ['hub', 'spoke'] as const;

function tool(name: string, args: string[], missing: Check['outcome'], cure: string): Check {
  const { status, stdout } = spawnSync(name, args, { encoding: 'utf8', timeout: 5_000 });
  const [line = ''] = (status === 0 ? stdout : '').split('\n');
  if (status === 0) return { name, outcome: 'ok', detail: line };
  return { name, outcome: missing, detail: 'is not installed, or does not run', cure };
}

function machine(): Check[] {
  return [
    { name: 'node', outcome: 'ok', detail: process.version },
    tool('git', ['--version'], 'failed', 'Install git 2.31 or newer: apt install git'),
    tool('bwrap', ['--version'], 'warning', 'Install bubblewrap for the sandbox `namespace`: apt install bubblewrap'),
    tool('unshare', ['--version'], 'warning', 'Install util-linux for the sandbox `unshare`: apt install util-linux'),
  ];
}

/** Keys and store of an instance are for its owner only. */
function modes(desk: Desk): Check[] {
  const dirs = new Set(roles.map((role) => stateDir(desk.world, desk.flags, role)));
  const files = [...dirs].flatMap((dir) => [dir, join(dir, 'cli.key'), join(dir, 'keys')]);
  return files.flatMap((file): Check[] => {
    const exposed = isExposed(file);
    if (exposed === undefined) return [];
    const cure = `chmod go-rwx ${file}`;
    return [
      exposed
        ? { name: 'modes', outcome: 'failed', detail: `${file} can be read by others`, cure }
        : { name: 'modes', outcome: 'ok', detail: file },
    ];
  });
}

function clock(instance: InstanceResource, sentAt: number, gotAt: number): Check {
  const name = `${instance.role}: clock`;
  const differenceMs = Math.round(Date.parse(instance.time) - (sentAt + gotAt) / 2);
  const detail = `${differenceMs} ms from this machine's`;
  if (Math.abs(differenceMs) < clockMsMax) return { name, outcome: 'ok', detail };
  return { name, outcome: 'failed', detail, cure: 'Set both clocks: timedatectl set-ntp true' };
}

/** Where one of the two runs, the other is not missed. */
async function askedBoth(desk: Desk): Promise<Check[]> {
  const answers = [await asked(desk, 'hub'), await asked(desk, 'spoke')];
  const running = answers.filter(([first]) => first?.outcome !== 'warning');
  return (running.length > 0 ? running : answers).flat();
}

async function asked(desk: Desk, role: 'hub' | 'spoke'): Promise<Check[]> {
  try {
    const { url } = locate(desk.world, desk.flags, role);
    const sentAt = Date.now();
    const instance = await desk.with(role, (client) => client.instance());
    const reached: Check = { name: role, outcome: 'ok', detail: `${instance.name} answers at ${url}` };
    const own = instance.checks.map((check) => ({ ...check, name: `${instance.role}: ${check.name}` }));
    return [reached, clock(instance, sentAt, Date.now()), ...own];
  } catch (error) {
    if (!(error instanceof WritError)) throw error;
    const running = error.code !== 'peer_unavailable';
    return [
      {
        name: role,
        outcome: running ? 'failed' : 'warning',
        detail: error.detail,
        cure: running ? 'Check the key: --key or WRIT_API_KEY' : `writ ${role}`,
      },
    ];
  }
}

const signs = { ok: '✓', warning: '!', failed: '✗' } as const;
const columns: Column<Check>[] = [
  { title: '', value: ({ outcome }: Check) => outcome, short: ({ outcome }: Check) => signs[outcome] },
  { title: 'CHECK', value: ({ name }: Check) => name },
  { title: 'FOUND', value: ({ detail }: Check) => detail, whole: true },
  { title: 'CURE', value: ({ cure }: Check) => cure ?? '', whole: true },
];

export function addDoctor(program: Command, world: World): void {
  program
    .command('doctor')
    .description('Look for what is wrong here: clock, sandbox, git, node, key modes, reachability; each with its cure')
    .action(async (_options, command: Command) => {
      const desk = new Desk(world, command);
      const remote = (desk.flags.url ?? world.env.WRIT_URL) !== undefined;
      const only = desk.flags.on ?? (remote ? 'hub' : undefined);
      const answers = await (only === undefined ? askedBoth(desk) : asked(desk, only));
      const checks = [...machine(), ...modes(desk), ...answers];
      desk.print.list(checks, columns, '');
      if (checks.some(({ outcome }) => outcome === 'failed')) desk.failed();
    });
}
