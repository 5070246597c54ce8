// Everything that happens to agents, as one event stream.
import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { eventMessage, eventQuery } from '#protocol';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { Gateway } from '../gateway.js';
import { LastEventId } from '../requests/headers.js';
import { Streams } from '../streams/streams.js';
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
    summary: 'Events as an event stream, from the beginning or after a cursor; `gap` says how many are no longer kept',
  })
  @ApiHeader({ name: 'Last-Event-ID', description: 'Goes on after this event; wins over `cursor`' })
  @ApiResponse({ status: 200, standardSchema: eventMessage })
  events(
    @Query({ schema: eventQuery }) { cursor }: z.output<typeof eventQuery>,
    @LastEventId() last: string | undefined,
    @Res() reply: FastifyReply,
  ) {
    return this.streams.send(reply, (signal) => eventMessages(this.gateway.events(last ?? cursor, signal)));
  }
}
