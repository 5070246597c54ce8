// A question as it is made, and the two steps of a record that has one. Pure.
import { newNonce, WritError, type Question, type QuestionAnswer } from '#protocol';
import { isLive, type AgentRecord } from '../lifecycle/record.js';
import { theSpoke } from '../spawner/stop.js';

export interface Wish {
  readonly kind: Question['kind'];
  readonly title: string;
  readonly detail?: string;
  readonly options: Question['options'];
  readonly withinMs: number;
}

const iso = (ms: number) => new Date(ms).toISOString();

export function questionOf({ kind, title, detail, options, withinMs }: Wish, nowMs: number): Question {
  const text = { title: title.slice(0, 300), ...(detail ? { detail: detail.slice(0, 4_000) } : {}) };
  return { questionId: newNonce(), kind, ...text, options, askedAt: iso(nowMs), until: iso(nowMs + withinMs) };
}

/** Yes or no, for whoever has to approve a spawn. */
export function spawnQuestion(record: Omit<AgentRecord, 'question'>, withinMs: number, nowMs: number): Question {
  const { agentType, taskId, context } = record;
  const title = `May a ${agentType} begin with ${taskId} on ${context.repository} (${context.branch})?`;
  const options = [
    { id: 'approve', label: 'Approve', allows: true },
    { id: 'deny', label: 'Deny', allows: false },
  ];
  return questionOf({ kind: 'spawn', title, detail: context.workItems.join('\n'), options, withinMs }, nowMs);
}

/** @throws WritError `invalid_transition` for an agent that has ended or already asks something. */
export function toAsked(record: AgentRecord, question: Question): AgentRecord {
  if (!isLive(record.state) || record.question)
    throw new WritError('invalid_transition', `The agent is ${record.state} and cannot ask a question now.`);
  return { ...record, question };
}

/** A spawn that was waiting for a person waits for a place from then on. */
export function toAnswered(record: AgentRecord, answer: QuestionAnswer): AgentRecord {
  const phase = record.phase === 'approval' ? 'queued' : record.phase;
  return { ...record, phase, question: undefined, answer };
}

export function expiry({ questionId, kind }: Question, nowMs: number): QuestionAnswer {
  return { questionId, kind, option: 'expired', allows: false, actor: theSpoke, at: iso(nowMs) };
}

/** Whether nobody can answer any more. */
export function isOver({ until }: Question, nowMs: number): boolean {
  return nowMs >= Date.parse(until);
}
