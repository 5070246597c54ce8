// The spoke about itself, for `writ doctor`: every look with what it found and the cure.
import { fingerprintWords, operationNames, type Check, type InstanceResource, type Readiness } from '#protocol';
import { gitVersion, type LocalAgents, type Sandboxes } from '#agents';
import { checkStore, checkWebhooks, readinessOf, version } from '#api';
import type { Store } from '#store';
import { modelKey, type SpokeConfig } from './config.js';

export class InstanceView {
  constructor(
    private readonly config: SpokeConfig,
    private readonly id: string,
    private readonly store: Store,
    private readonly sandboxes: Sandboxes,
    private readonly agents: LocalAgents,
    private readonly trust: () => Promise<Check[]>,
  ) {}

  async instance(): Promise<InstanceResource> {
    const words = fingerprintWords(this.id).split(' ');
    const about = { role: 'spoke', id: this.id, name: this.config.name, words, version } as const;
    const checks = [await checkStore(this.store), this.sandboxCheck(), await gitCheck(), this.modelCheck()];
    const hooks = await checkWebhooks(this.store, this.config.webhooks);
    const all = [...checks, ...(await this.trust()), ...(await this.drainChecks()), ...hooks];
    return { ...about, time: new Date().toISOString(), operations: [...operationNames], checks: all };
  }

  /** Without a store or a sandbox, or while it drains, no agent can be spawned; a missing model key only stops agents that need one. */
  async ready(): Promise<Readiness> {
    const draining = (await this.drainChecks()).map((check) => ({ ...check, outcome: 'failed' as const }));
    return readinessOf([await checkStore(this.store), this.sandboxCheck(), ...(await this.trust()), ...draining]);
  }

  /** Nothing while agents are taken; a store that does not answer has a check of its own. Also read without a key: no reason in it. */
  private async drainChecks(): Promise<Check[]> {
    const draining = await this.agents.draining().catch(() => undefined);
    if (!draining) return [];
    const detail = `It drains since ${draining.since} and takes no new agents.`;
    return [{ name: 'drain', outcome: 'warning', detail, cure: 'writ drain --lift' }];
  }

  private sandboxCheck(): Check {
    const works = this.sandboxes.reports.findLast(({ ok }) => ok);
    const missing = this.sandboxes.reports.find(({ level }) => level === 'namespace');
    const cure = missing?.ok === false ? missing.cure : undefined;
    if (!works) return { name: 'sandbox', outcome: 'failed', detail: 'No sandbox can be made here.', cure };
    const docker = this.dockerFault(works.level);
    if (docker) return docker;
    const enforceable = works.enforceable
      .map((name) => (name === 'diskBytesMax' ? `${name} (watched)` : name))
      .join(', ');
    const outcome = works.level === 'namespace' || works.level === 'docker' ? 'ok' : 'warning';
    return {
      name: 'sandbox',
      outcome,
      detail: `The strongest here is ${works.level}; it enforces ${enforceable}.`,
      cure,
    };
  }

  /** Who names an image wants containers: agents then run under a weaker level, and that is worth a word. */
  private dockerFault(instead: string): Check | undefined {
    const report = this.sandboxes.reports.find(({ level }) => level === 'docker');
    if (this.config.sandbox.docker.image === undefined || report?.ok !== false) return undefined;
    const detail = `There are no containers, so the strongest here is ${instead}. ${report.reason ?? ''}`.trim();
    return { name: 'sandbox', outcome: 'warning', detail, cure: report.cure };
  }

  private modelCheck(): Check {
    const needed = Object.values(this.config.runtimes).some(({ kind }) => kind === 'claude');
    if (!needed || modelKey())
      return { name: 'model key', outcome: 'ok', detail: needed ? 'There is a model key.' : 'No runtime needs one.' };
    const detail = 'There is no model key: agents of the runtime claude are refused.';
    return {
      name: 'model key',
      outcome: 'warning',
      detail,
      cure: 'Set ANTHROPIC_API_KEY on the spoke and start it again.',
    };
  }
}

async function gitCheck(): Promise<Check> {
  try {
    return { name: 'git', outcome: 'ok', detail: await gitVersion() };
  } catch {
    return {
      name: 'git',
      outcome: 'failed',
      detail: 'git does not run here.',
      cure: 'Install git (Debian: apt-get install git).',
    };
  }
}
