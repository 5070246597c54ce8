// From what the gateway says to what HTTP says: 201 or 202, `Location`, JSON or a diff.
import { Readable } from 'node:stream';
import { reportOf, reportText, WritError } from '#protocol';
import type { AgentReport, AgentResource, killSelected, Restored, TurnTaken } from '#protocol';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import type {
  AgentQuery,
  Bundle,
  EventGap,
  EventPiece,
  KillOutcome,
  KillSelection,
  OutputPiece,
  PendingCommand,
  Sent,
  Spawned,
  WentBack,
} from '../gateway.js';
import type { Message } from '../streams/streams.js';

const commandPath = ({ commandId }: PendingCommand) => `/v1/commands/${commandId}`;

/** 201 and the agent, or 202 and where the command's end can be read. */
export function answerSpawn(reply: FastifyReply, spawned: Spawned): AgentResource | PendingCommand {
  if ('agent' in spawned) {
    reply.code(201).header('location', `/v1/agents/${spawned.agent.agentId}`);
    return spawned.agent;
  }
  reply.code(202).header('location', commandPath(spawned.pending));
  return spawned.pending;
}

/** 201 and the turn, or 202 and where the command's end can be read. */
export function answerSend(reply: FastifyReply, sent: Sent): TurnTaken | PendingCommand {
  if ('turn' in sent) {
    reply.code(201).header('location', `/v1/agents/${sent.turn.agentId}`);
    return sent.turn;
  }
  reply.code(202).header('location', commandPath(sent.pending));
  return sent.pending;
}

/** 200 and what was done, or 202. */
export function answerRestore(reply: FastifyReply, back: WentBack): Restored | PendingCommand {
  if ('restored' in back) {
    reply.code(200);
    return back.restored;
  }
  reply.code(202).header('location', commandPath(back.pending));
  return back.pending;
}

/** 200 and the agent as it ended, or 202. */
export function answerClose(reply: FastifyReply, closed: Spawned): AgentResource | PendingCommand {
  if ('agent' in closed) return closed.agent;
  reply.code(202).header('location', commandPath(closed.pending));
  return closed.pending;
}

/** 200 when every kill was confirmed; else 202, and with one command waiting its `Location`. */
export function answerKill(reply: FastifyReply, outcome: KillOutcome): KillOutcome {
  const [first, ...more] = outcome.pending;
  reply.code(first ? 202 : 200);
  if (first && more.length === 0) reply.header('location', commandPath(first));
  return outcome;
}

export function answerDiff(reply: FastifyReply, diff: { text: string; truncated: boolean }, asText: boolean) {
  if (!asText) return diff;
  reply.header('writ-truncated', String(diff.truncated)).type('text/x-diff; charset=utf-8');
  return diff.text;
}

/** @throws WritError `not_found` while there is none */
export function answerReport(reply: FastifyReply, agent: AgentResource, asText: boolean): AgentReport | string {
  const report = reportOf(agent);
  if (!report) throw new WritError('not_found', `Agent ${agent.agentId} has not reported anything (yet).`);
  if (!asText) return report;
  reply.type('text/markdown; charset=utf-8');
  return reportText(report);
}

/** What the bundle is stands in the headers; `writ-sha256` is base64url. */
export function answerBundle(reply: FastifyReply, { content, branch, commit, base, bytes, sha256 }: Bundle) {
  reply.headers({
    'content-type': 'application/x-git-bundle',
    'content-length': String(bytes),
    'content-disposition': `attachment; filename="${branch.replaceAll('/', '-')}.bundle"`,
    ...{ 'writ-branch': branch, 'writ-commit': commit, 'writ-base': base, 'writ-sha256': sha256 },
  });
  return reply.send(Readable.from(content()));
}

interface WireQuery extends Omit<AgentQuery, 'states' | 'labels'> {
  readonly state?: AgentQuery['states'];
  readonly label?: AgentQuery['labels'];
}

/** `?state=` and `?label=` are one or several on the wire, `states` and `labels` behind it. */
export function agentQuery({ state, label, ...query }: WireQuery): AgentQuery {
  return { ...query, ...(state && { states: state }), ...(label && { labels: label }) };
}

/** Whoever selects without a state means all that live. */
export function killSelection({ select, ...kill }: z.output<typeof killSelected>): KillSelection {
  const { state: states = ['spawning', 'running'], ...rest } = select;
  return { ...kill, select: { ...rest, states } };
}

export async function* outputMessages(pieces: AsyncIterable<OutputPiece>): AsyncIterable<Message> {
  for await (const piece of pieces) {
    yield { id: piece.cursor, event: 'output', data: piece };
    if (piece.end) return;
  }
}

export async function* eventMessages(pieces: AsyncIterable<EventPiece | EventGap>): AsyncIterable<Message> {
  for await (const { cursor: id, ...data } of pieces)
    yield { id, event: 'missing' in data ? 'gap' : data.event.type, data };
}
