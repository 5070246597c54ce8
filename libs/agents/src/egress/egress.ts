// The hosts that one agent may reach, for every program that is launched for it: nothing is opened before the first, and what was asked
// for counts only as far as the spoke and, as it stands at that moment, the grant go.
import { join } from 'node:path';
import { coversAnyHost } from '#protocol';
import type { AgentsDeps } from '../deps.js';
import { through } from '../doorways/forwarder.js';
import type { AgentRecord } from '../lifecycle/record.js';
import type { Mount } from '../sandbox/sandbox.js';
import { EgressDoor } from './door.js';

/** In the state folder of the agents: a folder for each that has a way out. */
export const egressFolder = 'egress';

type Argv = readonly [string, ...string[]];
/** The first is what Node wants to see before it looks at the others. */
const environment = { NODE_USE_ENV_PROXY: '1', NO_PROXY: 'localhost,127.0.0.1', no_proxy: 'localhost,127.0.0.1' };
const tells = ['HTTPS_PROXY', 'https_proxy'];

export interface Launchable {
  readonly argv: Argv;
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
}

export class AgentEgress {
  private door?: Promise<EgressDoor>;
  private isOver = false;

  constructor(
    private readonly deps: Pick<AgentsDeps, 'options' | 'allowance' | 'dial' | 'log'>,
    private readonly agent: AgentRecord,
  ) {}

  /** Without a network of its own a program gets the way out; at the level `none` nothing keeps it from the host's. */
  async led(program: Launchable): Promise<Launchable> {
    const { options, sandbox } = this.agent;
    if (!options.egress?.length || sandbox.level === 'none' || this.isOver) return program;
    this.door ??= this.opened();
    const way = through({ name: 'egress', socket: (await this.door).path, tells }, program.argv);
    return { argv: way.argv, env: { ...environment, ...program.env }, mounts: [...program.mounts, ...way.mounts] };
  }

  /** Cuts every tunnel; nothing is opened after. */
  async close(): Promise<void> {
    this.isOver = true;
    await (await this.door?.catch(() => undefined))?.close();
  }

  private opened(): Promise<EgressDoor> {
    const { deps, agent } = this;
    const folder = join(deps.options.stateDir, egressFolder, agent.agentId);
    const { dial, log } = deps;
    return EgressDoor.open({ agentId: agent.agentId, folder, dial, log, allows: (host) => this.allows(host) });
  }

  private async allows(host: string): Promise<boolean> {
    const { deps, agent } = this;
    const granted = (await deps.allowance(agent.owner))?.egress;
    const lists = [agent.options.egress ?? [], deps.options.egress, granted];
    return !this.isOver && lists.every((hosts) => hosts === undefined || coversAnyHost(hosts, host));
  }
}
