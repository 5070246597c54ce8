// What an operation of A2A is, and what it stands on: the gateway that REST and MCP stand on too.
import { agentId, WritError, type AgentResource, type AgentType, type Role } from '#protocol';
import type { z } from 'zod';
import type { Caller, Gateway } from '../gateway.js';
import type { Notifier } from './notifier.js';
import { refusal } from './errors.js';
import { taskOfOrder, type Seen } from './ordered.js';
import { wholeTask } from './tasks.js';
import type { StreamResponse, Task } from './wire.js';

export interface Asking {
  readonly gateway: Gateway;
  readonly caller: Caller;
  /** Of the card that was asked; undefined at that of the whole instance. */
  readonly agentType: AgentType | undefined;
  readonly notifier: Notifier | undefined;
  /** Ends with the connection of whoever asks. */
  readonly signal: AbortSignal;
}

/** An answer, or the stream that answers. `stream` gets a signal that ends with its reader. */
export type Answered = object | { readonly stream: (signal: AbortSignal) => AsyncIterable<StreamResponse> };

export interface Operation {
  /** The least role that may call it. */
  readonly role: Role;
  readonly input: z.ZodObject;
  /** Never rate-limited: an emergency stop has to get through. [K-9] */
  readonly isUnlimited?: boolean;
  readonly run: (asked: Asked, args: unknown) => Promise<Answered>;
}

export function operation<S extends z.ZodObject>(
  made: Omit<Operation, 'input' | 'run'> & {
    readonly input: S;
    readonly run: (asked: Asked, args: z.output<S>) => Promise<Answered>;
  },
): Operation {
  return { ...made, run: (asked, args) => made.run(asked, args as z.output<S>) };
}

const absent = () => new WritError('not_found', 'There is no such task here.');

export class Asked implements Asking {
  readonly gateway: Gateway;
  readonly caller: Caller;
  readonly agentType: AgentType | undefined;
  readonly signal: AbortSignal;
  private readonly told: Notifier | undefined;

  constructor({ gateway, caller, agentType, notifier, signal }: Asking) {
    this.gateway = gateway;
    this.caller = caller;
    this.agentType = agentType;
    this.signal = signal;
    this.told = notifier;
  }

  /** What there is of a task: its agent, or the order for one of which no spoke has told yet. @throws WritError `not_found` */
  async look(id: string): Promise<Seen> {
    const ordered = agentId.safeParse(id).success ? await this.gateway.ordered(id) : undefined;
    if (!ordered) return { agent: await this.find(id) };
    if (this.agentType !== undefined && ordered.args.agentType !== this.agentType) throw absent();
    return { ordered };
  }

  /** With everything that it has left so far. @throws WritError `not_found` */
  async whole(id: string, historyLength?: number): Promise<Task> {
    const seen = await this.look(id);
    if ('ordered' in seen) return taskOfOrder(seen.ordered, historyLength);
    return wholeTask(this.gateway, seen.agent, historyLength);
  }

  /** Whatever is no id of ours is not there either; nor is the agent of another card. @throws WritError `not_found` */
  async find(id: string): Promise<AgentResource> {
    if (!agentId.safeParse(id).success) throw absent();
    const agent = await this.gateway.get(id);
    if (this.agentType !== undefined && agent.agentType !== this.agentType) throw absent();
    return agent;
  }

  /** @throws A2aError where nobody is told of anything */
  get notifier(): Notifier {
    if (this.told) return this.told;
    throw refusal('PUSH_NOTIFICATION_NOT_SUPPORTED', 'operation_unknown', 'This instance sends no push notifications.');
  }
}
