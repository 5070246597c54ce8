// The prompter: finds in the script what a request is to be told, or says what was not found.
// Where a conversation stands is read from the request alone, so that a retry is told the same turn again.
import { createHash } from 'node:crypto';
import type { MessagesRequest } from './request.js';
import { firstUserOf, lastToolResultOf, systemOf, turnIndexOf } from './request.js';
import type { Conversation, Fault, Script, Turn } from './script.js';

export interface Cue {
  readonly conversation: string;
  readonly turnIndex: number;
  readonly turn: Turn;
  readonly fault?: Fault;
}

/** The request fits nothing in the script; the message says what was looked for. */
export class NoCue extends Error {}

const playsMax = 10_000;

export class Prompter {
  /** How often a turn of one play was asked for, over all retries. */
  private readonly asked = new Map<string, number>();

  constructor(private readonly script: Script) {}

  cue(request: MessagesRequest): Cue {
    const conversation = this.find(request);
    const turnIndex = turnIndexOf(request);
    const turn = choose(conversation, turnIndex, request);
    const fault = faultOf(turn, this.count(conversation, turnIndex, request));
    return { conversation: conversation.name, turnIndex, turn, ...(fault ? { fault } : {}) };
  }

  private find(request: MessagesRequest): Conversation {
    const [system, firstUser, { model }] = [systemOf(request), firstUserOf(request), request];
    const found = this.script.conversations.find(
      ({ match }) =>
        (match.system?.test(system) ?? true) &&
        (match.firstUser?.test(firstUser) ?? true) &&
        (match.model?.test(model) ?? true),
    );
    if (found) return found;
    const names = this.script.conversations.map(({ name }) => name).join(', ');
    throw new NoCue(
      `No conversation of the script (${names}) matches model ${JSON.stringify(model)}, ` +
        `system ${quote(system)}, first user message ${quote(firstUser)}.`,
    );
  }

  private count(conversation: Conversation, turnIndex: number, request: MessagesRequest): number {
    const play = createHash('sha256').update(firstUserOf(request)).digest('base64url');
    const key = JSON.stringify([conversation.name, turnIndex, play]);
    const before = this.asked.get(key) ?? 0;
    if (this.asked.size >= playsMax) this.asked.clear();
    this.asked.set(key, before + 1);
    return before;
  }
}

function choose(conversation: Conversation, turnIndex: number, request: MessagesRequest): Turn {
  const last = conversation.turns.length - 1;
  const index = conversation.repeatLast ? Math.min(turnIndex, last) : turnIndex;
  const entry = conversation.turns[index];
  if (entry === undefined) throw new NoCue(`Conversation "${conversation.name}" has no turn ${turnIndex}.`);
  const result = lastToolResultOf(request);
  const turn = [entry].flat().find((candidate) => applies(candidate, result));
  if (turn) return turn;
  const seen = result ? `${quote(result.text)}${result.failed ? ' (failed)' : ''}` : 'none';
  throw new NoCue(
    `No alternative of turn ${turnIndex} of conversation "${conversation.name}" fits the last tool result: ${seen}.`,
  );
}

function applies({ when }: Turn, result: { text: string; failed: boolean } | undefined): boolean {
  if (!when) return true;
  const textFits = when.lastToolResult?.test(result?.text ?? '') ?? true;
  return textFits && (when.lastToolFailed === undefined || when.lastToolFailed === (result?.failed ?? false));
}

function faultOf({ faults }: Turn, asked: number): Fault | undefined {
  let passed = 0;
  return faults.find((fault) => {
    passed += fault.times;
    return asked < passed;
  });
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
