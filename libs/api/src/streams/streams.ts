// Server-sent events on the raw socket: four times what Nest's `@Sse` delivers. A stream is pulled no faster than its
// reader reads, says that it is alive, and ends with an explicit `end`, so that a cut is never taken for the end. With each sign of
// life it looks whether its reader may still read.
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { problemOf, WritError } from '#protocol';
import type { FastifyReply } from 'fastify';

/** One message. `id` is what `Last-Event-ID` resumes after; `data` is sent as one line of JSON. */
export interface Message {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
}

/** Why a stream ended. After `finished` nothing will follow; after the others a client comes back with its last id. */
type End = { readonly reason: 'finished' | 'shutdown' } | { readonly reason: 'error'; readonly error: unknown };

/** How a stream is written: each message, and the end. */
export interface Form<T> {
  readonly line: (message: T) => string;
  readonly end: (end: End) => string;
}

const heartbeatMsDefault = 15_000;
const streamsMax = 1_000;
const goodbyeMs = 500;

const ours: Form<Message> = {
  line: ({ id, event, data }) => `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`,
  end: (end) => {
    const told = end.reason === 'error' ? { reason: end.reason, problem: problemOf(end.error) } : end;
    return `event: end\ndata: ${JSON.stringify(told)}\n\n`;
  },
};

function open(reply: FastifyReply): ServerResponse {
  reply.hijack();
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value);
  const headers = {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  };
  reply.raw.writeHead(200, headers);
  reply.raw.write(': open\n\n');
  return reply.raw;
}

/** Pulls one message at a time; what the socket cannot take waits at the source. */
async function pump(raw: ServerResponse, lines: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
  for await (const line of lines) {
    if (signal.aborted) return;
    if (!raw.write(line)) await once(raw, 'drain', { signal });
  }
}

async function* written<T>(messages: AsyncIterable<T>, { line }: Form<T>): AsyncIterable<string> {
  for await (const message of messages) yield line(message);
}

export class Streams implements BeforeApplicationShutdown {
  private readonly shutdown = new AbortController();
  private readonly running = new Set<Promise<void>>();

  constructor(private readonly heartbeatMs = heartbeatMsDefault) {}

  /**
   * Answers with the stream that `source` gives and returns when it is over. `source` gets a signal that aborts when the
   * reader leaves, may not read any more, or the instance stops. @throws WritError `rate_limited` above 1,000 open streams.
   */
  async send<T = Message>(
    reply: FastifyReply,
    source: (signal: AbortSignal) => AsyncIterable<T>,
    form: Form<T> = ours as Form<T>,
  ): Promise<void> {
    if (this.running.size >= streamsMax) throw new WritError('rate_limited', `There are ${streamsMax} open streams.`);
    const holds = () => reply.request.stillHolds?.() ?? Promise.resolve();
    const run = this.run(open(reply), (signal) => written(source(signal), form), form.end, holds);
    this.running.add(run);
    await run.finally(() => this.running.delete(run));
  }

  /** Every open stream gets its end marker before the sockets are cut. */
  async beforeApplicationShutdown(): Promise<void> {
    this.shutdown.abort();
    await Promise.race([Promise.allSettled(this.running), delay(goodbyeMs)]);
  }

  private async run(
    raw: ServerResponse,
    source: (signal: AbortSignal) => AsyncIterable<string>,
    endLine: (end: End) => string,
    holds: () => Promise<void>,
  ): Promise<void> {
    const [gone, refused] = [new AbortController(), new AbortController()];
    raw.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, refused.signal, this.shutdown.signal]);
    const beat = () => {
      if (!raw.writableNeedDrain) raw.write(': alive\n\n');
      holds().catch((error: unknown) => error instanceof WritError && refused.abort(error));
    };
    const heartbeat = setInterval(beat, this.heartbeatMs).unref();
    try {
      const end = await this.ending(pump(raw, source(signal), signal), refused.signal);
      if (!gone.signal.aborted) raw.end(endLine(end));
    } finally {
      clearInterval(heartbeat);
    }
  }

  private async ending(pumped: Promise<void>, refused: AbortSignal): Promise<End> {
    const cut = (): End | undefined => {
      if (refused.aborted) return { reason: 'error', error: refused.reason };
      return this.shutdown.signal.aborted ? { reason: 'shutdown' } : undefined;
    };
    try {
      await pumped;
      return cut() ?? { reason: 'finished' };
    } catch (error) {
      return cut() ?? { reason: 'error', error };
    }
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
