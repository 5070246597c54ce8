// The agent asks whether it may: answered by what the spoke's admin has set, else by the profile, else by a person.
//
//   request ─► kind of tool ─► allow ───────────────► the option that allows it once
//                          ├─► ask ─► person ───────► the option that the person chose
//                          │            └ time is up ┐
//                          └─► deny ─────────────────┴► an option that rejects, or none
//
// The kind is the agent's own word. What it cannot do at all is the sandbox's business, not this room's.
import type { PermissionOption, RequestPermissionRequest, RequestPermissionResponse } from '@agentclientprotocol/sdk';
import type { QuestionAnswer } from '#protocol';
import type { AgentProfile, PermissionWish, RuntimeHost } from '../runtime.js';
import type { AcpOptions, ToolKind, Verdict } from './acp.options.js';
import { printable } from './printable.js';
import type { ToldCall, ToolCalls } from './tool-calls.js';

const optionsMax = 10;
const inputCharactersMax = 3_000;
const placesMax = 10;

type Kind = PermissionOption['kind'];
const words: Readonly<Record<Kind, string>> = {
  allow_once: 'Allow once',
  allow_always: 'Allow always',
  reject_once: 'Deny once',
  reject_always: 'Deny always',
};
/** In this order they are offered to a person, who takes the first that fits when only yes or no is said. */
const kinds = Object.keys(words) as Kind[];

/** What the profile's tools may do anyway goes without asking. */
function usualVerdict(kind: ToolKind, { tools, writes }: AgentProfile): Verdict {
  switch (kind) {
    case 'read':
    case 'search':
    case 'think':
      return 'allow';
    case 'edit':
    case 'delete':
    case 'move':
      return writes ? 'allow' : 'deny';
    case 'execute':
      return tools.includes('bash') ? 'allow' : 'ask';
    default:
      return 'ask';
  }
}

export interface PermissionParts {
  readonly host: Pick<RuntimeHost, 'permission'>;
  readonly profile: AgentProfile;
  readonly options: Pick<AcpOptions, 'permissions' | 'askMs'>;
  readonly calls: ToolCalls;
  readonly note: (line: string) => Promise<unknown>;
}

export class Permissions {
  /** A person is asked one thing at a time. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: PermissionParts) {}

  /** Aborting the signal withdraws it. Never throws but for what the output throws. */
  async decide(request: RequestPermissionRequest, signal: AbortSignal): Promise<RequestPermissionResponse> {
    const { calls, options, profile, note } = this.parts;
    const call = calls.hear(request.toolCall) ?? {
      title: 'something',
      kind: 'other' as const,
      isNew: true,
      isNews: true,
    };
    const verdict = options.permissions[call.kind] ?? usualVerdict(call.kind, profile);
    const offered = kinds
      .flatMap((kind) => request.options.filter((option) => option.kind === kind))
      .slice(0, optionsMax);
    const asked = verdict === 'ask' ? await this.asked(call, offered, request, signal) : undefined;
    if (signal.aborted) return { outcome: { outcome: 'cancelled' } };
    const chosen = asked ? asked.option : oneOf(offered, verdict === 'allow' ? ['allow_once'] : rejecting);
    await note(
      `[permission] ${call.kind} ${call.title}: ${asked?.said ?? `${allows(chosen) ? 'allowed' : 'denied'} by the spoke`}`,
    );
    return response(chosen);
  }

  private async asked(
    call: ToldCall,
    offered: readonly PermissionOption[],
    request: RequestPermissionRequest,
    signal: AbortSignal,
  ) {
    const choices = new Map(offered.map((option, index) => [`${option.kind.replace('_', '-')}-${index}`, option]));
    const wish = { ...this.wish(call, request, choices), withinMs: this.parts.options.askMs };
    try {
      const answer = await this.inTurn(() => this.parts.host.permission(wish, signal));
      const option = choices.get(answer.option) ?? oneOf(offered, rejecting);
      return { option, said: saidBy(answer) };
    } catch {
      return { option: oneOf(offered, rejecting), said: 'denied: nobody could be asked' };
    }
  }

  private wish(
    call: ToldCall,
    { toolCall }: RequestPermissionRequest,
    choices: ReadonlyMap<string, PermissionOption>,
  ): Omit<PermissionWish, 'withinMs'> {
    const options = [...choices].map(([id, { kind, name }]) => {
      return { id, label: printable(`${words[kind]}: ${name}`, 200), allows: kind.startsWith('allow') };
    });
    const deny = { id: 'deny', label: 'Deny', allows: false };
    return {
      title: `May the agent ${call.kind.replace('_', ' ')}: ${call.title}?`,
      detail: detailOf(toolCall),
      options: options.some(({ allows }) => !allows) ? options : [...options, deny],
    };
  }

  private async inTurn<T>(ask: () => Promise<T>): Promise<T> {
    const mine = this.last.then(ask);
    this.last = mine.catch(() => undefined);
    return mine;
  }
}

const rejecting: readonly Kind[] = ['reject_once', 'reject_always'];

function oneOf(offered: readonly PermissionOption[], kinds: readonly Kind[]): PermissionOption | undefined {
  return kinds.map((kind) => offered.find((option) => option.kind === kind)).find((option) => option !== undefined);
}

function allows(option: PermissionOption | undefined): boolean {
  return option?.kind.startsWith('allow') ?? false;
}

/** An agent that offers nothing that fits is told that its request is off. */
function response(chosen: PermissionOption | undefined): RequestPermissionResponse {
  if (!chosen) return { outcome: { outcome: 'cancelled' } };
  return { outcome: { outcome: 'selected', optionId: chosen.optionId } };
}

function saidBy({ option, allows: yes, actor, reason }: QuestionAnswer): string {
  if (option === 'expired') return 'denied: nobody answered in time';
  return `${yes ? 'allowed' : 'denied'} by ${actor.kind} ${actor.id}${reason ? ` (${printable(reason, 200)})` : ''}`;
}

/** What a person has to know, as the agent tells it. What is cut says so. */
function detailOf({ rawInput, locations }: RequestPermissionRequest['toolCall']): string | undefined {
  const places = (locations ?? []).slice(0, placesMax).map(({ path }) => printable(path, 200));
  const input = rawInput === undefined ? '' : JSON.stringify(rawInput);
  const cut = input.length > inputCharactersMax ? ` [${input.length - inputCharactersMax} characters more]` : '';
  const lines = [
    ...(places.length > 0 ? [`Where: ${places.join(', ')}`] : []),
    ...(input === '' ? [] : [`Input: ${printable(input, inputCharactersMax)}${cut}`]),
  ];
  return lines.length > 0 ? lines.join('\n') : undefined;
}
