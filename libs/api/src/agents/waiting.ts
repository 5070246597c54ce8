// What calls have in common that a peer may have to answer: how long they wait, and what they say meanwhile.
import { applyDecorators, Param } from '@nestjs/common';
import { agentId, killOutcome, pendingCommand } from '#protocol';
import type { z } from 'zod';
import { ApiHeader, ApiResponse } from '../docs/describing.js';

const prefer = { name: 'Prefer', description: '`wait=N`: seconds to wait for the peer, 5 by default, 60 at most' };

/** The agent that the path names. */
export const AgentId = () => Param('id', { schema: agentId });

/** Answers with this once the peer has, else 202 and where its end can be read. */
export const Awaits = (status: 200 | 201, standardSchema: z.ZodType, description: string) =>
  applyDecorators(
    ApiHeader(prefer),
    ApiResponse({ status, standardSchema, description }),
    ApiResponse({ status: 202, standardSchema: pendingCommand, description: 'On its way; see Location' }),
  );

/** A kill answers with what it found so far, and 202 while somebody has not answered. */
export const AwaitsKill = () =>
  applyDecorators(
    ApiHeader(prefer),
    ApiResponse({ status: 200, standardSchema: killOutcome, description: 'A last look found nothing alive' }),
    ApiResponse({ status: 202, standardSchema: killOutcome, description: 'A peer has not answered yet' }),
  );
