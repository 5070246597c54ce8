// The runtime `acp`: any agent that speaks the Agent Client Protocol (version 1, agentclientprotocol.com) on stdin and stdout,
// run in the sandbox. It has its own tools there: the spoke lends it neither files nor terminals.
import { admitProgram, type ModelKey } from '../../model/options.js';
import type { Mount } from '../../sandbox/sandbox.js';
import { agentFolder } from '../inside.js';
import { Runtime, type AgentTask, type RuntimeHost, type RuntimeOutcome } from '../runtime.js';
import { AcpBackend } from './acp.backend.js';
import type { AcpOptions } from './acp.options.js';

export class AcpRuntime extends Runtime {
  readonly kind = 'acp';
  readonly mounts: readonly Mount[];
  override readonly takesTurns = true;
  override readonly keepsHome = true;

  constructor(
    private readonly options: AcpOptions,
    private readonly modelKey: ModelKey,
  ) {
    super();
    this.mounts = options.folder === undefined ? [] : [{ from: options.folder, to: agentFolder }];
  }

  admit({ model }: Pick<AgentTask, 'agentType' | 'model'>): void {
    admitProgram(this.options.model, this.modelKey, model);
  }

  async run(task: AgentTask, host: RuntimeHost): Promise<RuntimeOutcome> {
    const backend = this.open(task, host);
    try {
      return await backend.turn({ turnId: task.agentId, turn: 1 });
    } finally {
      void backend.close();
    }
  }

  override open(task: AgentTask, host: RuntimeHost, memory?: string): AcpBackend {
    const { options, modelKey } = this;
    return new AcpBackend({ task, host, options, modelKey }, memory);
  }
}
