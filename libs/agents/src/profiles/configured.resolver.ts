// The resolver over a spoke's configuration. Runtimes are made once, at start; skills are looked at anew for every agent.
import { WritError, type SpawnArgs } from '#protocol';
import type { ModelKey } from '../model/options.js';
import { AcpRuntime } from '../runtimes/acp/acp.runtime.js';
import { ClaudeRuntime } from '../runtimes/claude/claude.runtime.js';
import { CommandRuntime } from '../runtimes/command/command.runtime.js';
import type { Runtime } from '../runtimes/runtime.js';
import type { ProfileOptions, RuntimeOptions, SkillOptions } from './options.js';
import { Resolver, type Resolved } from './resolver.js';
import { lendSkill } from './skills.js';

export interface ResolverOptions {
  readonly profiles: ProfileOptions;
  readonly runtimes: RuntimeOptions;
  readonly skills: SkillOptions;
}

function runtimeOf(settings: RuntimeOptions[string], modelKey: ModelKey): Runtime {
  switch (settings.kind) {
    case 'claude':
      return new ClaudeRuntime(settings, modelKey);
    case 'acp':
      return new AcpRuntime(settings, modelKey);
    case 'command':
      return new CommandRuntime(settings, modelKey);
  }
}

export class ConfiguredResolver extends Resolver {
  private readonly runtimes: ReadonlyMap<string, Runtime>;

  /** @throws WritError `config_invalid` when a profile names a runtime that is not there. */
  constructor(
    private readonly options: ResolverOptions,
    modelKey: ModelKey,
  ) {
    super();
    this.runtimes = new Map(
      Object.entries(options.runtimes).map(([name, settings]) => [name, runtimeOf(settings, modelKey)]),
    );
    this.checkProfiles();
  }

  async resolve({ agentType, context, options }: SpawnArgs): Promise<Resolved> {
    const { runtime: usual, model: usualModel, ...profile } = this.options.profiles[agentType];
    const runtime = this.find(options.runtime ?? usual);
    const model = options.model ?? usualModel;
    runtime.admit({ agentType, ...(model === undefined ? {} : { model }) });
    const lent = await Promise.all([...new Set(context.skills)].map((name) => lendSkill(this.options.skills, name)));
    return {
      runtime,
      profile,
      skills: lent.map(({ skill }) => skill),
      mounts: [...runtime.mounts, ...lent.map(({ mount }) => mount)],
      ...(model === undefined ? {} : { model }),
    };
  }

  private find(name: string): Runtime {
    const runtime = this.runtimes.get(name);
    if (runtime) return runtime;
    throw new WritError('runtime_unknown', `This spoke has no runtime ${name}.`, { field: 'options.runtime' });
  }

  private checkProfiles(): void {
    const faults = Object.entries(this.options.profiles)
      .filter(([, { runtime }]) => !this.runtimes.has(runtime))
      .map(([type, { runtime }]) => `profiles.${type}.runtime: there is no runtime ${runtime}`);
    if (faults.length > 0) throw new WritError('config_invalid', faults.join('; '));
  }
}
