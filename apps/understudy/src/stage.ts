// The stage: tells one cue over HTTP, with the slowness and the faults that the script asks for.
import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { Cue } from './prompter.js';
import { eventsOf, messageOf, type StreamEvent } from './reply.js';
import type { Fault } from './script.js';

const errorTypes = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  529: 'overloaded_error',
} as const;
export type ErrorStatus = keyof typeof errorTypes;

export function sendError(
  response: ServerResponse,
  status: ErrorStatus,
  message: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ type: 'error', error: { type: errorTypes[status], message } }));
}

/** Resolves when all is told, or the client has gone. What came of it, in a word, is the result. */
export async function perform(cue: Cue, model: string, stream: boolean, response: ServerResponse): Promise<string> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    await pause(cue.turn.delayMs, undefined, { signal: gone.signal, ref: false });
    if (cue.fault?.kind === 'status') return refuse(cue.fault, response);
    if (stream) return await tell(cue, model, response, gone.signal);
    if (cue.fault) return await spoil(cue.fault, response, gone.signal);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(messageOf(cue.turn, model)));
    return 'told';
  } catch (error) {
    if (gone.signal.aborted) return 'client gone';
    throw error;
  }
}

function refuse(fault: Extract<Fault, { kind: 'status' }>, response: ServerResponse): string {
  const after = fault.retryAfterSeconds;
  const headers = after === undefined ? undefined : { 'retry-after': String(after) };
  sendError(response, fault.status, fault.message ?? 'As the script asks.', headers);
  return `status ${fault.status}`;
}

async function tell(cue: Cue, model: string, response: ServerResponse, gone: AbortSignal): Promise<string> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.flushHeaders();
  let deltas = 0;
  for (const event of eventsOf(cue.turn, model)) {
    if (event.delta) {
      if (cue.fault && 'afterDeltas' in cue.fault && deltas >= cue.fault.afterDeltas) break;
      if (cue.turn.deltaDelayMs > 0) await pause(cue.turn.deltaDelayMs, undefined, { signal: gone, ref: false });
      deltas += 1;
    }
    await write(response, event, gone);
  }
  return cue.fault ? await spoil(cue.fault, response, gone) : close(response);
}

function close(response: ServerResponse): string {
  response.end();
  return 'told';
}

async function spoil(fault: Fault, response: ServerResponse, gone: AbortSignal): Promise<string> {
  if (fault.kind === 'stall') {
    await new Promise<void>((resolve) => gone.addEventListener('abort', () => resolve(), { once: true }));
  } else if (fault.kind === 'error_event') {
    const { message = 'Overloaded' } = fault;
    const data = { type: 'error', error: { type: 'overloaded_error', message } };
    if (response.headersSent) await write(response, { type: 'error', data, delta: false }, gone);
    else sendError(response, 529, message);
    response.end();
  } else {
    response.destroy();
  }
  return fault.kind;
}

async function write(response: ServerResponse, { type, data }: StreamEvent, gone: AbortSignal): Promise<void> {
  gone.throwIfAborted();
  const chunk = `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
  await new Promise<void>((resolve) => response.write(chunk, () => resolve()));
}
