// Signing in and out of the console. The cookie stands for the API key: it opens what the key opens, on the same routes.
import { Body, Controller, Delete, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { sessionResource, signIn } from '#protocol';
import type { SessionResource } from '#protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { ApiOperation, ApiResponse, ApiTags } from '../docs/describing.js';
import { CallerOf, SignsIn } from '../keys/roles.js';
import { ApiKeys } from '../keys/api-keys.js';
import type { Caller } from '../gateway.js';
import { version } from '../version.js';
import { SessionCookie } from './cookie.js';
import { secondsLeft, Sessions } from './sessions.js';
import type { Session } from './sessions.js';

export const INSTANCE = Symbol('writ:instance');
/** Of whom `GET /v1/session` says that one is signed in. */
export interface InstanceName {
  readonly role: 'hub' | 'spoke';
  readonly name: string;
}

@Controller('v1/session')
@ApiTags('session')
export class SignInController {
  constructor(
    private readonly sessions: Sessions,
    private readonly keys: ApiKeys,
    private readonly cookie: SessionCookie,
    @Inject(INSTANCE) private readonly of: InstanceName,
  ) {}

  @Post()
  @SignsIn('page')
  @ApiOperation({ summary: 'Sign in to the console with an API key; the answer sets a cookie' })
  @ApiResponse({ status: 201, standardSchema: sessionResource })
  async open(
    @Body({ schema: signIn }) { key }: z.output<typeof signIn>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionResource> {
    const { token, session } = await this.sessions.open(key);
    reply.header('set-cookie', this.cookie.set(token, secondsLeft(session))).header('cache-control', 'no-store');
    return this.shown(session.key, session);
  }

  @Get()
  @ApiOperation({ summary: 'Who asks: the key behind the cookie or the header, and its role' })
  @ApiResponse({ status: 200, standardSchema: sessionResource })
  async get(
    @CallerOf() { actor }: Caller,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionResource> {
    reply.header('cache-control', 'no-store');
    const { session } = request;
    return this.shown(session?.key ?? (await this.keys.get(actor.id)), session);
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({ summary: 'Sign out: the cookie opens nothing any more' })
  @ApiResponse({ status: 204, description: 'Signed out' })
  async end(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    const token = this.cookie.read(request.headers.cookie);
    if (token !== undefined && request.session) await this.sessions.end(token);
    reply.header('set-cookie', this.cookie.clear());
  }

  private shown({ id, name, role }: Session['key'], session: Session | undefined): SessionResource {
    const about = { key: { id, name, role }, instance: { ...this.of, version } };
    if (!session) return about;
    const { csrf, expiresAt, idleMs } = session;
    return { ...about, session: { csrf, expiresAt, idleMs } };
  }
}
