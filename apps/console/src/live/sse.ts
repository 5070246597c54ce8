// Reads an event stream (WHATWG HTML, 9.2.6) over fetch: unlike `EventSource` it says how a connection stands, shows a refusal
// with its problem, and knows the explicit `end`.
import { send } from '../rest/http.js';
import { asTrouble, type Trouble } from '../rest/problem.js';

/** `id` is where to go on after it. */
export interface Message {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
}

/** `since` is epoch milliseconds. A refused stream does not come back by itself. */
export type LineState =
  | { readonly state: 'connecting' | 'live' | 'ended' }
  | { readonly state: 'reconnecting'; readonly since: number; readonly trouble: Trouble }
  | { readonly state: 'refused'; readonly trouble: Trouble };

export interface Follow {
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly cursor?: string | undefined;
  readonly signal: AbortSignal;
  /** All messages of one read, in order. */
  readonly take: (messages: readonly Message[]) => void;
  readonly told: (state: LineState) => void;
}

const pauseMsMin = 500;
const pauseMsMax = 15_000;
/** Two missed signs of life and some: then a silent connection counts as cut. */
const silenceMsMax = 40_000;

/** Follows until the end or the signal, over as many connections as it takes. Nothing is lost or doubled between them. */
export async function follow(stream: Follow): Promise<void> {
  let { cursor } = stream;
  let [failures, cutAt] = [0, 0];
  stream.told({ state: 'connecting' });
  while (!stream.signal.aborted) {
    try {
      for await (const messages of connection(stream, cursor, () => stream.told({ state: 'live' }))) {
        [failures, cutAt] = [0, 0];
        const end = messages.find(({ event }) => event === 'end');
        const told = messages.filter((message) => message !== end);
        cursor = told.findLast(({ id }) => id !== '')?.id ?? cursor;
        if (told.length > 0) stream.take(told);
        if (end && isFinal(end)) {
          stream.told({ state: 'ended' });
          return;
        }
      }
      throw new TypeError('cut');
    } catch (error) {
      if (isAborted(stream.signal)) return;
      const trouble = asTrouble(error);
      if (isRefusal(trouble)) {
        stream.told({ state: 'refused', trouble });
        return;
      }
      stream.told({ state: 'reconnecting', since: (cutAt ||= Date.now()), trouble });
      await pause(failures++, stream.signal);
    }
  }
}

const isAborted = (signal: AbortSignal) => signal.aborted;
const isFinal = ({ data }: Message) => (data as { reason?: string }).reason === 'finished';
const isRefusal = ({ status, code }: Trouble) => status >= 400 && status < 500 && code !== 'rate_limited';

async function* connection({ path, query, signal }: Follow, cursor: string | undefined, opened: () => void) {
  const silence = new AbortController();
  const headers = { accept: 'text/event-stream', ...(cursor !== undefined && { 'last-event-id': cursor }) };
  let timer = setTimeout(() => silence.abort(), silenceMsMax);
  try {
    const answer = await send('GET', path, {
      ...(query && { query: cursor === undefined ? query : {} }),
      ...{ headers, signal: AbortSignal.any([signal, silence.signal]) },
    });
    opened();
    const reader = new MessageReader();
    for await (const bytes of answer.body ?? []) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silenceMsMax);
      const messages = reader.read(bytes);
      if (messages.length > 0) yield messages;
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Jittered, so that a restart is not met by all pages at once. */
async function pause(failures: number, signal: AbortSignal): Promise<void> {
  const most = Math.min(pauseMsMax, pauseMsMin * 2 ** failures);
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, most / 2 + (Math.random() * most) / 2);
    const goOn = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener('abort', goOn, { once: true });
    globalThis.addEventListener('online', goOn, { once: true });
  });
}

/** Whole messages only: what a cut leaves of one comes again after the resume. */
class MessageReader {
  private readonly decoder = new TextDecoder();
  private rest = '';

  read(bytes: Uint8Array): Message[] {
    const blocks = (this.rest + this.decoder.decode(bytes, { stream: true })).split('\n\n');
    this.rest = blocks.pop() ?? '';
    return blocks.flatMap(messageOf);
  }
}

function messageOf(block: string): Message[] {
  const fields = { id: '', event: 'message', data: '' };
  for (const line of block.split('\n')) {
    const [, name, value = ''] = /^(id|event|data): ?(.*)$/.exec(line) ?? [];
    if (name === 'data') fields.data += value;
    else if (name === 'id' || name === 'event') fields[name] = value;
  }
  return fields.data === '' ? [] : [{ ...fields, data: JSON.parse(fields.data) as unknown }];
}
