// The calling side of Writ: a whole hub as `apps/hub` starts it, paired live with a spoke that dials it.
import 'reflect-metadata';
import { agentIdOf, isTerminal, newNonce, type GrantInput, type SpawnArgs } from '#protocol';
import { createLogger } from '#api';
import { RestClient } from '#client';
import { hubConfig } from '../../../apps/hub/src/config.js';
import { Queries } from '../../../apps/hub/src/spokes/queries.js';
import { startHub, type StartedHub } from '../../../apps/hub/src/start.js';
import { until } from '../../support/until.js';
import { freshFolder } from './folder.js';
import { makeRepository } from './repository.js';
import { noop, type SpokeAddress } from './spoke.js';

const operator = { kind: 'key', id: 'bench' } as const;
/** An agent that does nothing is through long before. */
const agentMs = 60_000;

export class BenchHub {
  readonly queries: Queries;
  private readonly repository = makeRepository(freshFolder('repository'));

  private constructor(
    private readonly started: StartedHub,
    private readonly connectionId: string,
  ) {
    this.queries = new Queries(started.hub.partners.shared.clients);
  }

  /** Invite, join, accept: resolves when the link is there. */
  static async pairedWith({ url, key }: SpokeAddress): Promise<BenchHub> {
    const config = hubConfig.parse({ name: 'hub', port: 0, stateDir: freshFolder('hub'), logLevel: 'silent' });
    const started = await startHub(config, createLogger('silent'));
    const { hub } = started;
    const { invite } = await hub.services.invites.create({ expiresInS: 600, unattended: false }, operator);
    await using admin = new RestClient({ url, key });
    await admin.hubs.join({ invite, grant: grant() });
    const { connectionId } = await hub.services.spokes.accept('spoke', operator, {});
    await until('the spoke is connected', () => hub.partners.peers.peer(connectionId)?.state === 'ready' || undefined);
    await until('the connection is active', () => hub.partners.spokes.usable('spoke').catch(() => undefined));
    return new BenchHub(started, connectionId);
  }

  /** The whole stack both ways: a signed question and its signed answer. */
  async status(agentId: string) {
    return this.queries.ask(this.connectionId, 'agent.status', { agentId });
  }

  /** As `POST /v1/agents` does it: into the outbox, signed, and answered with a signature. @throws Error unless it was accepted */
  async spawn(): Promise<string> {
    const idk = newNonce();
    const agentId = agentIdOf(this.connectionId, idk);
    const to = { connectionId: this.connectionId, spoke: 'spoke', actor: operator };
    const order = { op: 'agent.spawn', args: this.task(), idk, agentId, ttlMs: agentMs, ...to } as const;
    const { state, problem } = await this.started.hub.own.commands.execute(order, agentMs);
    if (state !== 'delivered') throw new Error(`a spawn was ${state}: ${problem?.detail ?? 'no answer'}`);
    return agentId;
  }

  /** Whether its end and its clean-up have come back over the journal. @throws Error when it did not complete */
  isOver(agentId: string): boolean {
    const agent = this.started.hub.own.fleet.get(agentId);
    if (!agent || !isTerminal(agent.state)) return false;
    if (agent.state !== 'completed') throw new Error(`an agent ${agent.state}: ${agent.reason ?? 'no reason given'}`);
    return agent.cleanup !== undefined;
  }

  /** An agent that has ended, to be asked for. */
  async finishedAgent(): Promise<string> {
    const agentId = await this.spawn();
    await until('the agent is over', () => this.isOver(agentId), agentMs);
    return agentId;
  }

  close(): Promise<void> {
    return this.started.close();
  }

  private task(): SpawnArgs {
    const context = { repository: this.repository, branch: 'main', workItems: ['Nothing.'] };
    return { taskId: 'bench', agentType: 'worker', context, options: { runtime: noop } };
  }
}

function grant(): GrantInput {
  return {
    operations: ['agent.spawn', 'agent.status'],
    agentTypes: ['worker'],
    repositories: ['file:///**'],
    runtimes: [noop],
    sandbox: 'none',
    concurrentMax: 10_000,
  };
}
