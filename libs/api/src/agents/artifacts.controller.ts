// What an agent leaves, over REST: its diff, its report, and its branch as a git bundle.
import { Controller, Get, Res } from '@nestjs/common';
import { agentReport, diffResource } from '#protocol';
import type { FastifyReply } from 'fastify';
import { ApiOperation, ApiProduces, ApiResponse, ApiTags } from '../docs/describing.js';
import { Gateway } from '../gateway.js';
import { WantsText } from '../requests/headers.js';
import { answerBundle, answerDiff, answerReport } from './answers.js';
import { AgentId } from './waiting.js';

@Controller('v1/agents')
@ApiTags('agents')
export class ArtifactsController {
  constructor(private readonly gateway: Gateway) {}

  @Get(':id/diff')
  @ApiOperation({ summary: 'What the agent changed; as `text/x-diff` when Accept asks for text' })
  @ApiResponse({ status: 200, standardSchema: diffResource })
  async diff(@AgentId() agent: string, @WantsText() asText: boolean, @Res({ passthrough: true }) reply: FastifyReply) {
    return answerDiff(reply, await this.gateway.diff(agent), asText);
  }

  @Get(':id/report')
  @ApiOperation({
    summary: 'What the agent reports: findings, verdict, gates; as `text/markdown` when Accept asks for text',
  })
  @ApiResponse({ status: 200, standardSchema: agentReport })
  async report(
    @AgentId() agent: string,
    @WantsText() asText: boolean,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answerReport(reply, await this.gateway.get(agent), asText);
  }

  @Get(':id/bundle')
  @ApiOperation({ summary: 'The branch of the agent as a git bundle; what it is stands in the headers `writ-…`' })
  @ApiProduces('application/x-git-bundle')
  @ApiResponse({ status: 200, description: 'git bundle, version 2' })
  async bundle(@AgentId() agent: string, @Res() reply: FastifyReply) {
    return answerBundle(reply, await this.gateway.bundle(agent));
  }
}
