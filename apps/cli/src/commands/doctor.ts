// `writ doctor`: looks at this machine and asks the instance that runs here; every finding comes with its cure.
import type { Command } from 'commander';
import { WritError } from '#protocol';
import type { Check, Hub, InstanceResource, Spoke } from '#protocol';
import { Desk } from '../desk.js';
import { machineChecks, modeChecks } from '../doctor/machine.js';
import { locate, urlOf } from '../instances.js';
import type { Column } from '../printer.js';
import type { World } from '../world.js';

const clockMsMax = 5_000;

function clock(instance: InstanceResource, sentAt: number, gotAt: number): Check {
  const name = `${instance.role}: clock`;
  const differenceMs = Math.round(Date.parse(instance.time) - (sentAt + gotAt) / 2);
  const detail = `${differenceMs} ms from this machine's`;
  if (Math.abs(differenceMs) < clockMsMax) return { name, outcome: 'ok', detail };
  return { name, outcome: 'failed', detail, cure: 'Set both clocks: timedatectl set-ntp true' };
}

/** After an upgrade that which was not started again is still the old one. */
function versions({ role, version }: InstanceResource, own: string): Check[] {
  if (version === own) return [];
  const cure = `Start the ${role} again after an upgrade, or install the same version here.`;
  return [{ name: `${role}: version`, outcome: 'warning', detail: `It runs ${version}; this is ${own}.`, cure }];
}

/** Whom this side would speak with, and does not. */
function unreached(role: string, peers: readonly (Hub | Spoke)[]): Check[] {
  const away = peers.filter(({ state, connected }) => state === 'active' && !connected);
  return away.map(({ name, heardAt = 'never' }) => {
    const detail = `${name} is not connected; it was heard last: ${heardAt}`;
    const cure = `See the log of this ${role} for what keeps it: address, certificate, clock, broker; or the other side is off.`;
    return { name: `${role}: reachability`, outcome: 'warning', detail, cure };
  });
}

/** Where one of the two runs, the other is not missed. */
async function askedBoth(desk: Desk, own: string): Promise<Check[]> {
  const answers = [await asked(desk, 'hub', own), await asked(desk, 'spoke', own)];
  const running = answers.filter(([first]) => first?.outcome !== 'warning');
  return (running.length > 0 ? running : answers).flat();
}

async function asked(desk: Desk, role: 'hub' | 'spoke', version: string): Promise<Check[]> {
  try {
    const { url } = locate(desk.world, desk.flags, role);
    const sentAt = Date.now();
    const instance = await desk.with(role, (client) => client.instance());
    const gotAt = Date.now();
    const peers = await desk.with(role, ({ spokes, hubs }) => (instance.role === 'hub' ? spokes.list() : hubs.list()));
    const reached: Check = { name: role, outcome: 'ok', detail: `${instance.name} answers at ${url}` };
    const own = instance.checks.map((check) => ({ ...check, name: `${instance.role}: ${check.name}` }));
    return [
      reached,
      clock(instance, sentAt, gotAt),
      ...versions(instance, version),
      ...own,
      ...unreached(instance.role, peers),
    ];
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
    .description(
      'Look for what is wrong here: clock, sandbox, engine, git, key modes, reachability, versions; each with its cure',
    )
    .action(async (_options, command: Command) => {
      const desk = new Desk(world, command);
      const own = program.version() ?? '';
      const remote = urlOf(world, desk.flags) !== undefined;
      const only = desk.flags.on ?? (remote ? 'hub' : undefined);
      const answers = await (only === undefined ? askedBoth(desk, own) : asked(desk, only, own));
      const checks = [...machineChecks(), ...modeChecks(desk), ...answers];
      desk.print.list(checks, columns, '');
      if (checks.some(({ outcome }) => outcome === 'failed')) desk.failed();
    });
}
