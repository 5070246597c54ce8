// Signing in at an issuer, as the browser goes through it: off to the issuer, and back to the console with a session or a refusal.
import { Controller, Get, Inject, Query, Req, Res } from '@nestjs/common';
import { problemOf, signInWays, WritError } from '#protocol';
import type { SignInWays } from '#protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { ApiOperation, ApiResponse, ApiTags } from '../../docs/describing.js';
import { Public, SignsIn } from '../../keys/roles.js';
import { LOGGER } from '../../requests/logging.js';
import { SessionCookie } from '../cookie.js';
import { secondsLeft, Sessions } from '../sessions.js';
import { OidcFlow, type Returned } from './flow.js';

/** DI token of the cookie of a sign-in that is under way. */
export const OIDC_COOKIE = Symbol('writ:oidc');
/** For as long people may take at the issuer. */
const awayS = 600;
const consolePath = '/console/';

@Controller('v1/session')
@ApiTags('session')
export class OidcController {
  constructor(
    private readonly flow: OidcFlow,
    private readonly sessions: Sessions,
    private readonly cookie: SessionCookie,
    @Inject(OIDC_COOKIE) private readonly seed: SessionCookie,
    @Inject(LOGGER) private readonly log: Logger,
  ) {}

  @Get('ways')
  @Public()
  @ApiOperation({ summary: 'How one may sign in besides with an API key' })
  @ApiResponse({ status: 200, standardSchema: signInWays })
  ways(): SignInWays {
    const { name } = this.flow;
    return name === undefined ? {} : { oidc: { name } };
  }

  @Get('oidc')
  @SignsIn('issuer')
  @ApiOperation({ summary: 'Begin to sign in at the issuer: sends the browser there' })
  @ApiResponse({ status: 302, description: 'Off to the issuer, or back to the console with the code of a refusal' })
  async begin(@Res() reply: FastifyReply): Promise<void> {
    await this.leads(reply, async () => {
      const { url, seed } = await this.flow.begin();
      reply.header('set-cookie', this.seed.set(seed, awayS));
      return url;
    });
  }

  @Get('oidc/callback')
  @SignsIn('issuer')
  @ApiOperation({ summary: 'Where the issuer sends the browser back to' })
  @ApiResponse({ status: 302, description: 'To the console, with a session or the code of a refusal' })
  async back(@Query() query: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    await this.leads(reply, async () => {
      const { issuer, person } = await this.flow.finish(this.seed.read(request.headers.cookie), returned(query));
      const { token, session } = await this.sessions.vouched(issuer, person);
      reply.header('set-cookie', [this.cookie.set(token, secondsLeft(session)), this.seed.clear()]);
      this.log.info({ actor: `key:${person.id}`, role: person.role }, 'signed in at the issuer');
      return consolePath;
    });
  }

  /** A person looks on: a refusal is shown on the console, and its reason is for the log. */
  private async leads(reply: FastifyReply, way: () => Promise<string>): Promise<void> {
    const url = await way().catch((error: unknown) => {
      if (!(error instanceof WritError)) this.log.error({ err: error }, 'a sign-in failed');
      else this.log.warn({ code: error.code, reason: error.detail }, 'a sign-in at the issuer was refused');
      return `${consolePath}?refused=${problemOf(error).code}`;
    });
    await reply.header('cache-control', 'no-store').header('referrer-policy', 'no-referrer').redirect(url, 302);
  }
}

/** Others may add what they like to an answer of the code flow (RFC 6749, 4.1.2); twice the same counts as none. */
function returned(query: unknown): Returned {
  const { state, code } = (query ?? {}) as Readonly<Record<string, unknown>>;
  const text = (value: unknown) => (typeof value === 'string' && value.length <= 4_096 ? value : undefined);
  return { state: text(state), code: text(code) };
}
