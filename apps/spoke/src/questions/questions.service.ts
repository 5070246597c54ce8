// Answers of the spoke's own people; each is kept among the administrative acts.
import type { Agents, Reply } from '#agents';
import type { Acts } from '#api';
import type { Actor, OpenQuestion } from '#protocol';

export class QuestionsService {
  constructor(
    private readonly agents: Pick<Agents, 'questions' | 'answer'>,
    private readonly acts: Acts,
  ) {}

  async list(): Promise<{ questions: readonly OpenQuestion[] }> {
    return { questions: await this.agents.questions() };
  }

  async answer(questionId: string, reply: Reply, actor: Actor): Promise<OpenQuestion> {
    const question = await this.agents.answer(questionId, reply, actor);
    await this.acts.record({
      act: 'question.answer',
      subject: question.agentId,
      actor,
      detail: { questionId, ...reply },
    });
    return question;
  }
}
