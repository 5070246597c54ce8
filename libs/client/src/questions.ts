// What waits for a person on a spoke.
import type { AnswerBody, OpenQuestion } from '#protocol';
import type { Http } from './http.js';

export class QuestionResources {
  constructor(private readonly http: Http) {}

  /** The oldest first. */
  async list(): Promise<OpenQuestion[]> {
    const { body } = await this.http.call<{ questions: OpenQuestion[] }>({ method: 'GET', path: '/v1/questions' });
    return body.questions;
  }

  /** Yes or no (`allow`), or one of the question's own options. Not repeatable: somebody else may have answered. */
  async answer(questionId: string, body: AnswerBody): Promise<OpenQuestion> {
    const path = `/v1/questions/${encodeURIComponent(questionId)}`;
    return (await this.http.call<OpenQuestion>({ method: 'POST', path, body })).body;
  }
}
