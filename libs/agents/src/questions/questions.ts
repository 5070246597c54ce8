// Questions to people: they stand in the agent's record, so that a restart or another replica finds them, and whoever
// waits for the answer looks there. Waking is only a short cut.
import { WritError, type Actor, type OpenQuestion, type Question, type QuestionAnswer } from '#protocol';
import type { Reply } from '../agents.js';
import type { EventMint } from '../lifecycle/events.js';
import type { Listing } from '../lifecycle/listing.js';
import type { AgentRecord } from '../lifecycle/record.js';
import type { Register, Step } from '../lifecycle/register.js';
import { expiry, isOver, questionOf, toAnswered, toAsked, type Wish } from './question.js';

/** How often an answer is looked for that another replica may have taken. */
const LOOK_MS = 1_000;

export interface QuestionParts {
  readonly register: Register;
  readonly listing: Listing;
  readonly mint: EventMint;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export class Questions {
  private readonly waiting = new Map<string, () => void>();

  constructor(private readonly parts: QuestionParts) {}

  /** Puts a question and waits for its answer. Nobody can answer any more once the signal is aborted. @throws the reason of the signal */
  async ask(agentId: string, wish: Wish, signal: AbortSignal): Promise<QuestionAnswer> {
    const { register, mint, now } = this.parts;
    const question = questionOf(wish, now());
    await register.change(agentId, (record) => ({
      record: toAsked(record, question),
      events: [mint.of('agent.question', agentId, { question })],
    }));
    try {
      return await this.answered(agentId, question, signal);
    } catch (error) {
      await this.withdrawn(agentId, question).catch(() => undefined);
      throw error;
    }
  }

  /** Waits for the answer to a question that stands in the record; when its time is up, that is the answer. @throws the reason of the signal */
  async answered(agentId: string, question: Question, signal: AbortSignal): Promise<QuestionAnswer> {
    const { register, now } = this.parts;
    for (;;) {
      signal.throwIfAborted();
      const { answer } = isOver(question, now())
        ? await this.withdrawn(agentId, question)
        : await register.find(agentId);
      if (answer?.questionId === question.questionId) return answer;
      await this.pause(question, signal);
    }
  }

  /** What waits for a person, the oldest first. */
  async open(): Promise<OpenQuestion[]> {
    const { register, listing, now } = this.parts;
    const leases = await listing.liveLeases();
    const records = await Promise.all(leases.map(({ agentId }) => register.read(agentId)));
    const asked = records.flatMap((entry) => (entry ? openOf(entry.value) : []));
    return asked.filter((one) => !isOver(one, now())).sort((one, other) => one.askedAt.localeCompare(other.askedAt));
  }

  /** @throws WritError `not_found`; `invalid_request` for an option that the question has not; `invalid_transition` when somebody was faster or the time is up. */
  async answer(questionId: string, reply: Reply, actor: Actor): Promise<OpenQuestion> {
    const { register, now } = this.parts;
    const question = (await this.open()).find((one) => one.questionId === questionId);
    if (!question) throw new WritError('not_found', 'No question with this id waits for an answer.');
    const { id: option, allows } = chosen(question, reply);
    const { kind, agentId } = question;
    const reason = reply.reason === undefined ? {} : { reason: reply.reason };
    const at = new Date(now()).toISOString();
    const answer: QuestionAnswer = { questionId, kind, option, allows, actor, at, ...reason };
    const said = { counts: false };
    await register.change(agentId, (record) => {
      const step = this.step(record, question, answer);
      said.counts = step !== null;
      return step;
    });
    if (!said.counts) throw new WritError('invalid_transition', 'The question was answered already.');
    this.waiting.get(questionId)?.();
    return question;
  }

  private withdrawn(agentId: string, question: Question): Promise<AgentRecord> {
    const { register, now } = this.parts;
    return register.change(agentId, (record) => this.step(record, question, expiry(question, now())));
  }

  private step(record: AgentRecord, { questionId }: Pick<Question, 'questionId'>, answer: QuestionAnswer): Step | null {
    if (record.question?.questionId !== questionId) return null;
    const event = this.parts.mint.of('agent.answer', record.agentId, { answer });
    return { record: toAnswered(record, answer), events: [event] };
  }

  private pause({ questionId, until }: Question, signal: AbortSignal): Promise<void> {
    const restMs = Math.max(1, Math.min(LOOK_MS, Date.parse(until) - this.parts.now()));
    return new Promise((resolve) => {
      const over = (): void => {
        clearTimeout(timer);
        this.waiting.delete(questionId);
        signal.removeEventListener('abort', over);
        resolve();
      };
      const timer = setTimeout(over, restMs).unref();
      this.waiting.set(questionId, over);
      signal.addEventListener('abort', over, { once: true });
    });
  }
}

function openOf({ agentId, taskId, owner, question }: AgentRecord): OpenQuestion[] {
  return question ? [{ ...question, agentId, taskId, owner }] : [];
}

function chosen({ options }: Question, { allow, option }: Reply): Question['options'][number] {
  const found = options.find((one) => (option === undefined ? one.allows === allow : one.id === option));
  if (found) return found;
  const ids = options.map(({ id }) => id).join(', ');
  throw new WritError('invalid_request', `The question can be answered with ${ids}.`, { field: 'option' });
}
