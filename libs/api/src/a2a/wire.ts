// A2A 1.0 on the wire, as ProtoJSON: what goes out. What comes in stands in requests.ts.

/** By the numbers that ProtoJSON takes as well. */
export const taskStates = [
  'TASK_STATE_UNSPECIFIED',
  'TASK_STATE_SUBMITTED',
  'TASK_STATE_WORKING',
  'TASK_STATE_COMPLETED',
  'TASK_STATE_FAILED',
  'TASK_STATE_CANCELED',
  'TASK_STATE_INPUT_REQUIRED',
  'TASK_STATE_REJECTED',
  'TASK_STATE_AUTH_REQUIRED',
] as const;
export type TaskState = (typeof taskStates)[number];

type Metadata = Readonly<Record<string, unknown>>;

interface Part {
  readonly text?: string;
  readonly data?: unknown;
  readonly mediaType: string;
  readonly filename?: string;
}

export interface Message {
  readonly messageId: string;
  readonly contextId: string;
  readonly taskId: string;
  readonly role: 'ROLE_USER' | 'ROLE_AGENT';
  readonly parts: readonly Part[];
}

export interface TaskStatus {
  readonly state: TaskState;
  /** Of the last change of state, ISO 8601 in UTC. */
  readonly timestamp: string;
  readonly message?: Message;
}

export interface Artifact {
  readonly artifactId: string;
  readonly name: string;
  readonly description: string;
  readonly parts: readonly Part[];
  readonly metadata?: Metadata;
}

export interface Task {
  readonly id: string;
  readonly contextId: string;
  readonly status: TaskStatus;
  readonly artifacts?: readonly Artifact[];
  readonly history?: readonly Message[];
  readonly metadata?: Metadata;
}

interface OfTask {
  readonly taskId: string;
  readonly contextId: string;
}

/** One event of a stream or of a push notification: exactly one of them. */
export type StreamResponse =
  | { readonly task: Task }
  | { readonly statusUpdate: OfTask & { readonly status: TaskStatus } }
  | { readonly artifactUpdate: OfTask & { readonly artifact: Artifact; readonly lastChunk: boolean } };

/** A task will not change any more. */
export function isOver(state: TaskState): boolean {
  return ['COMPLETED', 'FAILED', 'CANCELED', 'REJECTED'].some((word) => state === `TASK_STATE_${word}`);
}
