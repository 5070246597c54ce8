// What a tool of the MCP face is: a name, a shape, the least role, and what it does through the gateway.
import type { Role } from '#protocol';
import type { z } from 'zod';
import type { Caller, Gateway } from '../gateway.js';

/** A peer as the hub shows it over REST. */
export type ListSpokes = () => Promise<{ readonly spokes: readonly object[] }>;

export interface ToolContext {
  readonly gateway: Gateway;
  readonly caller: Caller;
  /** On a hub. */
  readonly spokes?: ListSpokes;
  /** Aborted when the client cancels or goes away. */
  readonly signal: AbortSignal;
  /** Tells a client that asked for it how far the work is; `total` where that is known. */
  readonly progress: (done: number, total: number | undefined, message: string) => Promise<void>;
}

/** `structured` is what REST answers with to the same question; `text` is the same for a model to read. */
export interface ToolAnswer {
  readonly structured: object;
  readonly text?: string;
}

export interface Tool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** The least role that may call it. */
  readonly role: Role;
  readonly input: z.ZodObject;
  readonly isReadOnly?: boolean;
  readonly isDestructive?: boolean;
  readonly isIdempotent?: boolean;
  /** Never rate-limited: an emergency stop has to get through. [K-9] */
  readonly isUnlimited?: boolean;
  readonly run: (context: ToolContext, args: unknown) => Promise<ToolAnswer>;
}

/** A tool whose `run` has the arguments as its schema leaves them. */
export function tool<S extends z.ZodObject>(
  made: Omit<Tool, 'run' | 'input'> & {
    readonly input: S;
    readonly run: (context: ToolContext, args: z.output<S>) => Promise<ToolAnswer>;
  },
): Tool {
  return { ...made, run: (context, args) => made.run(context, args as z.output<S>) };
}
