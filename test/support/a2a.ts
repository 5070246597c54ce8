// Asks an instance over A2A in one binding or the other, and gives the answer in one form: for tests that want the same of both.
import { request } from 'undici';

export const bindings = ['JSON-RPC', 'HTTP+JSON'] as const;
export type Binding = (typeof bindings)[number];

export interface SeenTask {
  readonly id: string;
  readonly contextId: string;
  readonly status: {
    readonly state: string;
    readonly timestamp: string;
    readonly message?: { readonly parts: readonly { readonly text?: string }[] };
  };
  readonly metadata: { readonly writ: Record<string, unknown>; readonly [name: string]: unknown };
  readonly history?: readonly {
    readonly messageId: string;
    readonly role: string;
    readonly parts: readonly object[];
  }[];
  readonly artifacts?: readonly SeenArtifact[];
}

interface SeenArtifact {
  readonly artifactId: string;
  readonly parts: readonly { readonly text?: string; readonly data?: unknown; readonly mediaType: string }[];
}

/** One event of a stream: one of these is there. */
export interface SeenEvent {
  readonly task?: SeenTask;
  readonly statusUpdate?: { readonly taskId: string; readonly status: SeenTask['status'] };
  readonly artifactUpdate?: { readonly taskId: string; readonly artifact: SeenArtifact };
}

interface Info {
  readonly '@type': string;
  readonly reason?: string;
  readonly domain?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** `code` is that of JSON-RPC, or the status of HTTP. */
interface SeenError {
  readonly code: number;
  readonly message: string;
  readonly info: Info;
  readonly details: readonly Info[];
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Record<string, unknown>;
  readonly result: Record<string, unknown>;
  readonly error?: SeenError;
}

type Params = Readonly<Record<string, unknown>>;

const verbs: Readonly<Record<string, (params: Params) => readonly ['GET' | 'POST' | 'DELETE', string, object?]>> = {
  SendMessage: (params) => ['POST', '/message:send', params],
  SendStreamingMessage: (params) => ['POST', '/message:stream', params],
  GetTask: ({ id, ...query }) => ['GET', `/tasks/${String(id)}${queryOf(query)}`],
  ListTasks: (query) => ['GET', `/tasks${queryOf(query)}`],
  CancelTask: ({ id, ...body }) => ['POST', `/tasks/${String(id)}:cancel`, body],
  SubscribeToTask: ({ id, ...body }) => ['POST', `/tasks/${String(id)}:subscribe`, body],
  CreateTaskPushNotificationConfig: ({ taskId, ...body }) => ['POST', configs(taskId), body],
  GetTaskPushNotificationConfig: ({ taskId, id }) => ['GET', `${configs(taskId)}/${String(id)}`],
  ListTaskPushNotificationConfigs: ({ taskId }) => ['GET', configs(taskId)],
  DeleteTaskPushNotificationConfig: ({ taskId, id }) => ['DELETE', `${configs(taskId)}/${String(id)}`],
  GetExtendedAgentCard: () => ['GET', '/extendedAgentCard'],
};

const configs = (taskId: unknown) => `/tasks/${String(taskId)}/pushNotificationConfigs`;

function queryOf(query: Params): string {
  const pairs = Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]);
  const text = new URLSearchParams(pairs).toString();
  return text === '' ? '' : `?${text}`;
}

/** `url` is that of a card's interface. */
export class A2aCaller {
  constructor(
    private readonly url: string,
    readonly binding: Binding,
    private readonly key: string | undefined,
    private readonly headers: Readonly<Record<string, string>> = { 'a2a-version': '1.0' },
  ) {}

  async ask(method: string, params: Params): Promise<Answered> {
    const answer = await this.send(method, params);
    const text = await answer.body.text();
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    const result = (this.binding === 'JSON-RPC' ? (body.result ?? {}) : body) as Record<string, unknown>;
    return { status: answer.statusCode, headers: answer.headers, body, result, ...errorOf(body) };
  }

  /** Reads until it closes; `seen` is told of all events so far after each. */
  async stream(
    method: string,
    params: Params,
    seen: (events: readonly SeenEvent[]) => unknown = () => undefined,
    signal?: AbortSignal,
  ) {
    const { body, headers } = await this.send(method, params, signal);
    const events: SeenEvent[] = [];
    let rest = '';
    for await (const chunk of body.setEncoding('utf8')) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines.filter((line) => line.startsWith('data: '))) {
        events.push(this.eventOf(JSON.parse(line.slice('data: '.length)) as { readonly result: SeenEvent }));
        await seen(events);
      }
    }
    return { type: String(headers['content-type']), events };
  }

  private eventOf(data: { readonly result: SeenEvent } & SeenEvent): SeenEvent {
    return this.binding === 'JSON-RPC' ? data.result : data;
  }

  private send(name: string, params: Params, signal?: AbortSignal) {
    const rpc = ['POST', '', { jsonrpc: '2.0', id: 7, method: name, params }] as const;
    const [method, path, body] = this.binding === 'JSON-RPC' ? rpc : (verbs[name]?.(params) ?? ['GET', `/${name}`]);
    const auth = this.key === undefined ? {} : { authorization: `Bearer ${this.key}` };
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const headers = { ...auth, ...type, ...this.headers };
    return request(`${this.url}${path}`, { method, headers, body: body && JSON.stringify(body), signal });
  }
}

function errorOf(body: Record<string, unknown>): { readonly error?: SeenError } {
  const error = body.error as { code: number; message: string; data?: Info[]; details?: Info[] } | undefined;
  if (!error) return {};
  const details = error.data ?? error.details ?? [];
  return { error: { code: error.code, message: error.message, info: details[0] ?? { '@type': '' }, details } };
}
