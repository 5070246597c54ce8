// Everything that happens to agents, as one event stream.
import { Controller, Get, Query, Res } from '@nestjs/common';
import { eventMessage, eventQuery } from '#protocol';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '../docs/describing.js';
import { Gateway } from '../gateway.js';
import { LastEventId } from '../requests/headers.js';
import { Streams, type Message } from '../streams/streams.js';
import { eventMessages } from './answers.js';

@Controller('v1/events')
@ApiTags('events')
export class EventsController {
  constructor(
    private readonly gateway: Gateway,
    private readonly streams: Streams,
  ) {}

  @Get()
  @ApiOperation({
    summary:
      'Events as an event stream, from the beginning, from now or after a cursor; `gap` says how many are no longer kept',
  })
  @ApiHeader({ name: 'Last-Event-ID', description: 'Goes on after this event; wins over `cursor`' })
  @ApiResponse({ status: 200, standardSchema: eventMessage })
  events(
    @Query({ schema: eventQuery }) { cursor, from }: z.output<typeof eventQuery>,
    @LastEventId() last: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    const after = last ?? cursor;
    if (after === undefined && from === 'now') return this.streams.send(reply, (signal) => this.fromNow(signal));
    return this.streams.send(reply, (signal) => eventMessages(this.gateway.events(after, signal)));
  }

  /** Its place comes first: who is cut off before anything happens goes on from there. */
  private async *fromNow(signal: AbortSignal): AsyncIterable<Message> {
    const end = await this.gateway.eventsEnd();
    if (end !== undefined) yield { id: end, event: 'from', data: { from: 'now' } };
    yield* eventMessages(this.gateway.events(end, signal));
  }
}
