// The runtime `command`: any program, run in the sandbox until it ends.
//
// The program gets the task as one JSON object on stdin: `{agentId, taskId, agentType, repository, branch, workItems,
// skills: [{name, description, path}], model?}`. The same text is in `WRIT_TASK` when it has at most 64 KiB, and
// `WRIT_AGENT_ID`, `WRIT_TASK_ID`, `WRIT_AGENT_TYPE`, `WRIT_REPOSITORY`, `WRIT_BRANCH` say its plain fields.
// Exit code 0 is success. The last line of stdout may be a structured result (see result-line.ts).
import type { Readable } from 'node:stream';
import { WritError } from '#protocol';
import { environment } from '../inside.js';
import {
  LimitReached,
  Runtime,
  type AgentTask,
  type ModelTrouble,
  type RuntimeHost,
  type RuntimeOutcome,
} from '../runtime.js';
import { unlessStopped } from '../unless-stopped.js';
import { admitProgram, apiOf, upstreamOf, type ModelKey } from '../../model/options.js';
import type { ProcessEnd, SandboxProcess } from '../../sandbox/sandbox.js';
import type { CommandOptions } from './command.options.js';
import { resultIn } from './result-line.js';

/** Linux refuses a single variable above 128 KiB. */
const taskVariableBytesMax = 65_536;
const lastLineCharactersMax = 2 ** 20;

export class CommandRuntime extends Runtime {
  readonly kind = 'command';
  readonly mounts = [];

  constructor(
    private readonly options: CommandOptions,
    private readonly modelKey: ModelKey,
  ) {
    super();
  }

  /** Any type of agent; which model a program uses that has none from here is its own affair. */
  admit({ model }: Pick<AgentTask, 'agentType' | 'model'>): void {
    admitProgram(this.options.model, this.modelKey, model);
  }

  async run(task: AgentTask, host: RuntimeHost): Promise<RuntimeOutcome> {
    try {
      return await this.play(task, host);
    } catch (error) {
      const result = { summary: '', items: [] };
      if (host.signal.aborted) return { exitReason: 'killed', result, failure: 'The run was stopped.' };
      if (error instanceof LimitReached) return { exitReason: error.exitReason, result, failure: error.message };
      if (error instanceof WritError) throw error;
      return { exitReason: 'sandbox_error', result, failure: 'The command could not be run.', cause: error };
    }
  }

  private async play(task: AgentTask, host: RuntimeHost): Promise<RuntimeOutcome> {
    const text = JSON.stringify(told(task));
    const child = await this.start(host, { ...environment, ...variables(task, text), ...this.options.env });
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${text}\n`);
    const tail = new Tail();
    // A program that keeps its pipes open does not keep the run.
    const whole = Promise.all([child.end, pass(child.stdout, host, tail), pass(child.stderr, host)]);
    const [end] = await unlessStopped(whole, host.signal);
    return outcome(end, resultIn(tail.line), host.model.trouble);
  }

  private start(host: RuntimeHost, env: Readonly<Record<string, string>>): Promise<SandboxProcess> {
    const { argv, model } = this.options;
    return model ? host.model.launch(upstreamOf(apiOf(model), this.modelKey), argv, env) : host.launch(argv, env);
  }
}

function told({ agentId, taskId, agentType, repository, branch, workItems, skills, model }: AgentTask) {
  return { agentId, taskId, agentType, repository, branch, workItems, skills, ...(model ? { model } : {}) };
}

function variables(task: AgentTask, text: string): Record<string, string> {
  return {
    WRIT_AGENT_ID: task.agentId,
    WRIT_TASK_ID: task.taskId,
    WRIT_AGENT_TYPE: task.agentType,
    WRIT_REPOSITORY: task.repository,
    WRIT_BRANCH: task.branch,
    ...(Buffer.byteLength(text) <= taskVariableBytesMax ? { WRIT_TASK: text } : {}),
  };
}

/** Output as it comes; a slow reader slows the program down. */
async function pass(stream: Readable, host: RuntimeHost, tail?: Tail): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const text = decoder.decode(chunk, { stream: true });
    tail?.add(text);
    if (text !== '') await host.output(text);
  }
}

/** Keeps the last line that is not empty, up to a bound. */
class Tail {
  private text = '';

  add(text: string): void {
    this.text = (this.text + text).slice(-lastLineCharactersMax);
  }

  get line(): string {
    return this.text.trimEnd().split('\n').at(-1) ?? '';
  }
}

/** A program that failed after the model did is told to have failed by it. */
function outcome(
  { code, signal }: ProcessEnd,
  result: ReturnType<typeof resultIn>,
  trouble: ModelTrouble | undefined,
): RuntimeOutcome {
  const ended =
    signal === null ? `The command ended with code ${code ?? 'unknown'}.` : `The command was ended by ${signal}.`;
  const exitCode = code === null ? {} : { exitCode: code };
  const known = result === undefined || result === 'invalid' ? { summary: ended, items: [] } : result;
  const whole = { ...known, ...exitCode };
  if (code !== 0 && trouble)
    return { exitReason: trouble.exitReason, result: whole, failure: `${trouble.failure} ${ended}` };
  if (code !== 0) return { exitReason: 'exit_code', result: whole, failure: ended };
  if (result !== 'invalid') return { exitReason: 'finished', result: whole };
  return { exitReason: 'result_invalid', result: whole, failure: 'The last line of the command is no valid result.' };
}
