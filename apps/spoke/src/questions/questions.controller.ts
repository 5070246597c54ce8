// What waits for a person on this spoke, and the person's answer.
import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { z } from 'zod';
import { answerBody, nonce128, openQuestion, questionPage, type OpenQuestion } from '#protocol';
import { ApiOperation, ApiResponse, ApiTags, CallerOf, Needs, type Caller } from '#api';
import { QuestionsService } from './questions.service.js';

@Controller('v1/questions')
@ApiTags('questions')
export class QuestionsController {
  constructor(private readonly questions: QuestionsService) {}

  @Get()
  @ApiOperation({ summary: 'What waits for a person, the oldest first' })
  @ApiResponse({ status: 200, standardSchema: questionPage })
  list(): Promise<{ questions: readonly OpenQuestion[] }> {
    return this.questions.list();
  }

  @Post(':id')
  @HttpCode(200)
  @Needs('operator')
  @ApiOperation({ summary: 'Answer a question; the agent goes on, or ends, at once' })
  @ApiResponse({ status: 200, standardSchema: openQuestion })
  answer(
    @CallerOf() caller: Caller,
    @Param('id', { schema: nonce128 }) id: string,
    @Body({ schema: answerBody }) body: z.output<typeof answerBody>,
  ): Promise<OpenQuestion> {
    return this.questions.answer(id, body, caller.actor);
  }
}
