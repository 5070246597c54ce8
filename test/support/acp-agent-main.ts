// An ACP agent for tests, on the agent's side of the protocol's own SDK. What it does stands in the prompt: each line
// `- VERB REST` is one step. It keeps its sessions in its home, as agents do.
//
//   say, think TEXT · tool KIND TITLE · ask KIND TITLE · sh COMMAND · plan A,B · cost USD · tokens IN OUT
//   result SUMMARY · raw TEXT · wait · stop REASON · exit CODE · flood · pour FILE · double KIND · recall · prompt · env NAME · model · fail CODE TEXT · late TEXT
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { agent, methods, ndJsonStream, RequestError, type AgentContext } from '@agentclientprotocol/sdk';

const { values: traits } = parseArgs({
  options: {
    /** Takes sessions up by `load` or `resume`; by default not at all. */
    takes: { type: 'string' },
    version: { type: 'string' },
    /** Says nothing to that method. */
    mute: { type: 'string' },
    /** Written before anything else, as it is. */
    greets: { type: 'string' },
    login: { type: 'boolean', default: false },
  },
});

type StopReason = 'end_turn' | 'max_tokens' | 'max_turn_requests' | 'refusal' | 'cancelled';
type Tokens = Readonly<Record<'totalTokens' | 'inputTokens' | 'outputTokens', number>>;

interface Turn {
  readonly cx: AgentContext;
  readonly sessionId: string;
  readonly prompt: string;
  message: string;
  stopReason: StopReason;
  usage?: Tokens;
}

const home = join(process.env.HOME ?? '.', '.acp-agent');
const cancelled = new Map<string, AbortController>();
const file = (sessionId: string) => join(home, `${sessionId}.json`);
let sent = 0;

function past(sessionId: string): string[] {
  try {
    return JSON.parse(readFileSync(file(sessionId), 'utf8')) as string[];
  } catch {
    throw RequestError.sessionNotFound(sessionId);
  }
}

function keep(sessionId: string, prompts: readonly string[]): void {
  mkdirSync(home, { recursive: true });
  writeFileSync(file(sessionId), JSON.stringify(prompts));
}

function raw(text: string): void {
  process.stdout.write(`${text}\n`);
}

const update = ({ cx, sessionId }: Pick<Turn, 'cx' | 'sessionId'>, more: object) =>
  cx.notify(methods.client.session.update, { sessionId, update: more as never });

function words(turn: Turn, kind: string, text: string): Promise<void> {
  return update(turn, { sessionUpdate: kind, content: { type: 'text', text } });
}

async function ask(turn: Turn, kind: string, title: string): Promise<string> {
  const toolCallId = `call-${(sent += 1)}`;
  await update(turn, { sessionUpdate: 'tool_call', toolCallId, title, kind, status: 'pending' });
  const { outcome } = await turn.cx.request(methods.client.session.requestPermission, {
    sessionId: turn.sessionId,
    toolCall: { toolCallId, rawInput: { command: title } },
    options: [
      { optionId: 'always!', name: 'Yes, always', kind: 'allow_always' },
      { optionId: 'yes!', name: 'Yes', kind: 'allow_once' },
      { optionId: 'no!', name: 'No', kind: 'reject_once' },
    ],
  });
  return outcome.outcome === 'selected' ? outcome.optionId : outcome.outcome;
}

function waits(turn: Turn): Promise<void> {
  const controller = new AbortController();
  cancelled.set(turn.sessionId, controller);
  return new Promise((resolve) => {
    controller.signal.addEventListener('abort', () => {
      turn.stopReason = 'cancelled';
      process.stderr.write('CANCELLED\n');
      resolve();
    });
  });
}

async function floods(turn: Turn): Promise<void> {
  const line = JSON.stringify({
    jsonrpc: '2.0',
    method: 'session/update',
    params: {
      sessionId: turn.sessionId,
      update: { sessionUpdate: 'available_commands_update', availableCommands: [] },
    },
  });
  for (;;) {
    if (!process.stdout.write(`${line}\n`.repeat(500)))
      await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}

type Step = (turn: Turn, rest: string) => unknown;
const steps: Readonly<Record<string, Step>> = {
  say: (turn, rest) => words(turn, 'agent_message_chunk', `${rest}\n`),
  think: (turn, rest) => words(turn, 'agent_thought_chunk', `${rest}\n`),
  tool: async (turn, rest) => {
    const [kind, title] = split(rest);
    const toolCallId = `call-${(sent += 1)}`;
    await update(turn, { sessionUpdate: 'tool_call', toolCallId, title, kind, status: 'in_progress' });
    await update(turn, { sessionUpdate: 'tool_call_update', toolCallId, status: 'completed' });
  },
  ask: async (turn, rest) => {
    const [kind, title] = split(rest);
    await steps.say?.(turn, `answer: ${await ask(turn, kind, title)}`);
  },
  sh: (turn, rest) => steps.say?.(turn, execFileSync('/bin/sh', ['-c', rest], { encoding: 'utf8' }).trim()),
  plan: (turn, rest) => {
    const entries = rest.split(',').map((content, index) => ({
      content,
      priority: 'medium',
      status: index === 0 ? 'completed' : 'pending',
    }));
    return update(turn, { sessionUpdate: 'plan', entries });
  },
  cost: (turn, rest) =>
    update(turn, { sessionUpdate: 'usage_update', used: 1, size: 2, cost: { amount: Number(rest), currency: 'USD' } }),
  tokens: (turn, rest) => {
    const [inputTokens = 0, outputTokens = 0] = rest.split(' ').map(Number);
    turn.usage = { totalTokens: inputTokens + outputTokens, inputTokens, outputTokens };
  },
  result: (turn, summary) => {
    const items = [...asked(turn).matchAll(/^Item (\d+):/gm)].map(([, item]) => ({
      item: Number(item),
      status: 'done',
      note: '',
    }));
    const of = /"turn":(\d+)/.exec(asked(turn))?.[1];
    return steps.say?.(turn, JSON.stringify({ writ: 'result', turn: Number(of), summary, items }));
  },
  raw: (_, rest) => raw(rest.replaceAll(String.raw`\n`, '\n')),
  double: ({ sessionId }, kind) => {
    const params = { sessionId, toolCall: { toolCallId: 'twice', kind }, options: [] };
    const line = JSON.stringify({ jsonrpc: '2.0', id: 'twice', method: 'session/request_permission', params });
    raw(`${line}\n${line}`);
    return new Promise(() => undefined);
  },
  pour: async (_, name) => {
    process.stdout.write(readFileSync(name));
    await new Promise(() => undefined);
  },
  wait: (turn) => waits(turn),
  stop: (turn, reason) => (turn.stopReason = reason as StopReason),
  exit: (_, code) => process.exit(Number(code)),
  flood: (turn) => floods(turn),
  recall: (turn) => steps.say?.(turn, `remembers ${past(turn.sessionId).length - 1}`),
  prompt: (turn) => steps.say?.(turn, `<<${turn.prompt.replaceAll('\n', '|').replaceAll('"writ"', '"writ?"')}>>`),
  env: (turn, name) => steps.say?.(turn, `${name}=${process.env[name] ?? 'unset'}`),
  fail: (_, rest) => {
    const [code, text] = split(rest);
    throw new RequestError(Number(code), text);
  },
  /** One request to the model API that it finds in its environment. */
  model: async (turn) => {
    const { ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: key = '', ANTHROPIC_MODEL: model } = process.env;
    const body = JSON.stringify({ model, max_tokens: 100, messages: [{ role: 'user', content: 'Say something.' }] });
    const headers = { 'x-api-key': key, 'anthropic-version': '2023-06-01', 'content-type': 'application/json' };
    const answer = await fetch(`${url ?? ''}/v1/messages`, { method: 'POST', headers, body });
    await steps.say?.(turn, `model: ${answer.status} ${await answer.text()}`);
  },
  /** Says it half a second after the turn is over. */
  late: (turn, rest) => void setTimeout(() => void steps.say?.(turn, rest), 500),
};

function split(rest: string): [string, string] {
  const [, first = '', second = ''] = /^(\S*)\s*(.*)$/.exec(rest) ?? [];
  return [first, second];
}

/** What the prompt is about, without what was before it. */
function asked({ prompt }: Turn): string {
  return prompt.slice(Math.max(0, prompt.lastIndexOf('Item 0:')));
}

async function play(turn: Turn): Promise<void> {
  for (const [, verb = '', rest = ''] of asked(turn).matchAll(/^(?:Item \d+: )?- (\w+) ?(.*)$/gm)) {
    if (turn.stopReason === 'cancelled') return;
    await steps[verb]?.(turn, rest);
  }
}

/** Never answers when it is told to be mute. */
async function unlessMute<T>(method: string, answer: () => T | Promise<T>): Promise<T> {
  return traits.mute === method ? new Promise<never>(() => undefined) : answer();
}

if (traits.greets !== undefined) raw(traits.greets);

agent({ name: 'test-agent' })
  .onRequest(methods.agent.initialize, () =>
    unlessMute('initialize', () => ({
      protocolVersion: Number(traits.version ?? 1),
      agentCapabilities: {
        loadSession: traits.takes === 'load',
        ...(traits.takes === 'resume' && { sessionCapabilities: { resume: {} } }),
      },
    })),
  )
  .onRequest(methods.agent.session.new, () =>
    unlessMute('session/new', () => {
      if (traits.login) throw RequestError.authRequired();
      const sessionId = randomUUID();
      keep(sessionId, []);
      const values = [
        { value: 'm-1', name: 'One' },
        { value: 'm-2', name: 'Two' },
      ];
      const model = {
        id: 'model',
        name: 'Model',
        category: 'model',
        type: 'select' as const,
        currentValue: 'm-1',
        options: values,
      };
      return { sessionId, configOptions: [model] };
    }),
  )
  .onRequest(methods.agent.session.load, async ({ params: { sessionId }, client: cx }) => {
    for (const text of past(sessionId))
      await update(
        { cx, sessionId },
        { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: `REPLAY ${text}` } },
      );
    return {};
  })
  .onRequest(methods.agent.session.resume, ({ params }) => {
    past(params.sessionId);
    return {};
  })
  .onRequest(methods.agent.session.setMode, ({ params }) => {
    if (params.modeId !== 'careful') throw RequestError.invalidParams(undefined, 'there is no such mode');
    process.stderr.write('mode: careful\n');
    return {};
  })
  .onRequest(methods.agent.session.setConfigOption, ({ params }) => {
    process.stderr.write(`${params.configId}: ${String(params.value)}\n`);
    return { configOptions: [] };
  })
  .onRequest(methods.agent.session.prompt, async ({ params: { sessionId, prompt: blocks }, client: cx }) => {
    const prompt = blocks.map((block) => (block.type === 'text' ? block.text : '')).join('');
    keep(sessionId, [...past(sessionId), prompt]);
    const turn: Turn = { cx, sessionId, prompt, message: '', stopReason: 'end_turn' };
    await play(turn);
    return { stopReason: turn.stopReason, ...(turn.usage && { usage: turn.usage }) };
  })
  .onNotification(methods.agent.session.cancel, ({ params }) => cancelled.get(params.sessionId)?.abort())
  .connect(ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin) as ReadableStream<Uint8Array>));
