// The beginning of a talk: the agent's process, and a session in it.
//
//   start, initialize ─► session known? ─► resume, load ─┐
//                            │ no, or refused            ├─► mode, model
//                            └─► new ────────────────────┘
import { methods, RequestError } from '@agentclientprotocol/sdk';
import { z } from 'zod';
import { apiOf, upstreamOf, type ModelKey } from '../../model/options.js';
import { environment, homeFolder } from '../inside.js';
import type { AgentTask, RuntimeHost } from '../runtime.js';
import type { AcpOptions } from './acp.options.js';
import { AgentBroke, TurnFailed } from './broken.js';
import { modelSetting } from './choices.js';
import type { Program } from './program.js';

const made = z.looseObject({ sessionId: z.string().min(1).max(1_024) });

export interface ConversationParts {
  readonly task: AgentTask;
  readonly host: RuntimeHost;
  readonly options: AcpOptions;
  readonly modelKey: ModelKey;
}

/** A session, with what the agent said of it. */
export interface Opened {
  readonly sessionId: string;
  readonly answer: object;
}

export function launched({ host, options, modelKey, task }: ConversationParts, over: AbortSignal) {
  const env: Record<string, string> = { ...environment };
  if (task.session !== undefined) env.HOME = homeFolder;
  if (options.model && task.model !== undefined) env.ANTHROPIC_MODEL = task.model;
  Object.assign(env, options.env);
  if (!options.model) return host.launch(options.argv, env, over);
  return host.model.launch(upstreamOf(apiOf(options.model), modelKey), options.argv, env, over);
}

/** Undefined when the agent cannot take up sessions; `refused` when not this one. */
export async function takenUp(
  program: Program,
  sessionId: string,
  { host, options }: ConversationParts,
): Promise<Opened | 'refused' | undefined> {
  if (!program.takesUp) return undefined;
  const params = { sessionId, cwd: host.work, mcpServers: [] };
  try {
    const answer = await program.ask(program.takesUp, params, options.startMs);
    return { sessionId, answer: Object(answer) as object };
  } catch (error) {
    if (error instanceof RequestError) return 'refused';
    throw error;
  }
}

export async function begun(program: Program, { host, options }: ConversationParts): Promise<Opened> {
  const params = { cwd: host.work, mcpServers: [] };
  const parsed = made.safeParse(await program.ask(methods.agent.session.new, params, options.startMs));
  if (!parsed.success) throw new AgentBroke('The agent answered `session/new` with something else.');
  return { sessionId: parsed.data.sessionId, answer: parsed.data };
}

/** The mode and the model, as far as they are chosen here. @throws TurnFailed for a model that the agent does not have */
export async function chosen(program: Program, { sessionId, answer }: Opened, parts: ConversationParts): Promise<void> {
  const { options, task } = parts;
  const { startMs, mode, model: isMetered } = options;
  if (mode !== undefined) await program.ask(methods.agent.session.setMode, { sessionId, modeId: mode }, startMs);
  if (task.model === undefined) return;
  const setting = modelSetting(answer, task.model);
  if (setting) await program.ask(methods.agent.session.setConfigOption, { sessionId, ...setting }, startMs);
  else if (!isMetered) throw new TurnFailed('runtime_error', `The agent does not offer the model ${task.model}.`);
}
