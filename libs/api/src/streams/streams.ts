// Server-sent events on the raw socket: four times what Nest's `@Sse` delivers. A stream is pulled no faster than its
// reader reads, says that it is alive, and ends with an explicit `end`, so that a cut is never taken for the end.
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
type End = { readonly reason: 'finished' | 'shutdown' } | { readonly reason: 'error'; readonly problem: unknown };

const heartbeatMsDefault = 15_000;
const streamsMax = 1_000;
const goodbyeMs = 500;

const line = ({ id, event, data }: Message) => `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
const endLine = (end: End) => `event: end\ndata: ${JSON.stringify(end)}\n\n`;

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
async function pump(raw: ServerResponse, messages: AsyncIterable<Message>, signal: AbortSignal): Promise<void> {
  for await (const message of messages) {
    if (signal.aborted) return;
    if (!raw.write(line(message))) await once(raw, 'drain', { signal });
  }
}

export class Streams implements BeforeApplicationShutdown {
  private readonly shutdown = new AbortController();
  private readonly running = new Set<Promise<void>>();

  constructor(private readonly heartbeatMs = heartbeatMsDefault) {}

  /**
   * Answers with the stream that `source` gives and returns when it is over. `source` gets a signal that aborts when the
   * reader leaves or the instance stops. @throws WritError `rate_limited` above 1,000 open streams.
   */
  async send(reply: FastifyReply, source: (signal: AbortSignal) => AsyncIterable<Message>): Promise<void> {
    if (this.running.size >= streamsMax) throw new WritError('rate_limited', `There are ${streamsMax} open streams.`);
    const run = this.run(open(reply), source);
    this.running.add(run);
    await run.finally(() => this.running.delete(run));
  }

  /** Every open stream gets its end marker before the sockets are cut. */
  async beforeApplicationShutdown(): Promise<void> {
    this.shutdown.abort();
    await Promise.race([Promise.allSettled(this.running), delay(goodbyeMs)]);
  }

  private async run(raw: ServerResponse, source: (signal: AbortSignal) => AsyncIterable<Message>): Promise<void> {
    const gone = new AbortController();
    raw.once('close', () => gone.abort());
    const signal = AbortSignal.any([gone.signal, this.shutdown.signal]);
    const heartbeat = setInterval(() => raw.writableNeedDrain || raw.write(': alive\n\n'), this.heartbeatMs).unref();
    try {
      const end = await this.ending(pump(raw, source(signal), signal));
      if (!gone.signal.aborted) raw.end(endLine(end));
    } finally {
      clearInterval(heartbeat);
    }
  }

  private async ending(pumped: Promise<void>): Promise<End> {
    try {
      await pumped;
      return { reason: this.shutdown.signal.aborted ? 'shutdown' : 'finished' };
    } catch (error) {
      return this.shutdown.signal.aborted ? { reason: 'shutdown' } : { reason: 'error', problem: problemOf(error) };
    }
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
