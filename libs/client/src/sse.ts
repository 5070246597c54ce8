// Reads an event stream (WHATWG HTML, 9.2.6), and keeps it going: a cut stream is resumed after the last id that came,
// and only the explicit `end` is taken for the end.
import { setTimeout as sleep } from 'node:timers/promises';
import { WritError } from '#protocol';
import { pauseBefore } from './http.js';
import type { Call, Http } from './http.js';
import { problemFrom } from './problem.js';

/** One message; `data` is parsed JSON. */
export interface Message {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
}

interface End {
  readonly reason?: 'finished' | 'shutdown' | 'error';
  readonly problem?: { readonly status?: number };
}

const lineCharsMax = 4 * 2 ** 20;
const failuresMax = 8;

/** Lines of a byte stream, ended by LF, CR or CRLF. @throws WritError `too_large` above 4 Mi characters in one line. */
async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of bytes) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    if (rest.length > lineCharsMax) throw new WritError('too_large', 'A line of the stream is too long.');
    yield* lines;
  }
}

/** Whole messages only: what a cut leaves of one is dropped, and comes again after the resume. */
export async function* messagesOf(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Message> {
  let fields = new Map<string, string>();
  for await (const line of linesOf(bytes)) {
    if (line === '') {
      const data = fields.get('data');
      const [id = '', event = 'message'] = [fields.get('id'), fields.get('event')];
      if (data !== undefined) yield { id, event, data: JSON.parse(data) as unknown };
      fields = new Map();
    } else addField(fields, line);
  }
}

function addField(fields: Map<string, string>, line: string): void {
  const [, name, value = ''] = /^([^:]+)(?:: ?(.*))?$/.exec(line) ?? [];
  if (name === undefined) return;
  const before = name === 'data' ? fields.get('data') : undefined;
  fields.set(name, before === undefined ? value : `${before}\n${value}`);
}

/**
 * Messages from the cursor on until the stream's end or the signal, over as many connections as it takes.
 * @throws WritProblem when the instance refuses; WritError `peer_unavailable` after 8 failures in a row.
 */
export async function* resuming(http: Http, call: Call, cursor?: string): AsyncIterable<Message> {
  const signal = http.endOf(call);
  let last = cursor;
  for (let failures = 0; ;) {
    try {
      for await (const message of messagesOf(await http.stream(resumed(call, last)))) {
        failures = 0;
        if (message.event === 'end' && isFinal(message.data as End)) return;
        if (message.event === 'end') break;
        last = message.id;
        yield message;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (!isCut(error)) throw error;
    }
    if (++failures >= failuresMax)
      throw new WritError('peer_unavailable', 'The stream was cut and could not be resumed.');
    await sleep(pauseBefore(failures), undefined, { signal }).catch(() => undefined);
    if (signal?.aborted) return;
  }
}

function resumed(call: Call, last: string | undefined): Call {
  const headers = {
    ...call.headers,
    accept: 'text/event-stream',
    ...(last !== undefined && { 'last-event-id': last }),
  };
  return { ...call, headers };
}

function isFinal({ reason, problem }: End): boolean {
  if (reason === 'error') throw problemFrom(problem?.status ?? 500, problem);
  return reason !== 'shutdown';
}

/** A refusal is final; everything else (sockets, silence, a restart) is a cut. */
function isCut(error: unknown): boolean {
  if (!(error instanceof WritError)) return !(error instanceof SyntaxError);
  return ['peer_unavailable', 'rate_limited', 'store_unavailable'].includes(error.code);
}
