// The agent's result: one JSON object at the end of its last message, `{"writ":"result","turn":1,"summary":"…","items":[…]}`.
import type { AgentResult } from '#protocol';
import { handedIn } from '../handed-in.js';
import type { AgentProfile } from '../runtime.js';

const begin = /\{\s*"writ"\s*:\s*"result"/g;
const summaryCharactersMax = 16_000;
const summaryBytesMax = 49_152;

const item = '{"item":0,"status":"done","note":"…"}';
const more: Readonly<Record<AgentProfile['result'], string>> = {
  changes: '',
  findings: ',"findings":[{"file":"src/a.ts","line":7,"severity":"error","message":"…"}]',
  verdict: ',"verdict":{"passed":true,"command":"…","detail":"…"}',
};
const severities = ' `severity` is `error`, `warning` or `info`; `findings` may be empty.';

/** What an agent is told of the form. */
export function form(kind: AgentProfile['result'], turn: number): string {
  const example = `{"writ":"result","turn":${turn},"summary":"…","items":[${item}]${more[kind]}}`;
  return [
    'End your last message with your result: one JSON object on a line of its own, and nothing after it:',
    example,
    `\`status\` is \`done\`, \`partly\` or \`not_done\`.${kind === 'findings' ? severities : ''}`,
  ].join('\n');
}

export interface Asked {
  readonly kind: AgentProfile['result'];
  readonly itemCount: number;
  readonly turn: number;
}

/** The last result for that turn in a message; undefined when there is none; else what is wrong with it, in words for the agent. */
export function resultIn(message: string, { kind, itemCount, turn }: Asked): AgentResult | string | undefined {
  for (const text of candidates(message)) {
    const object = jsonOf(text);
    if (!object) return 'It is not one valid JSON object.';
    const { turn: of = turn, ...result } = object;
    delete result.writ;
    if (of === turn) return handedIn(kind, itemCount, result);
  }
  return undefined;
}

/** What begins as a result, each up to the next, the last one first. */
function candidates(message: string): string[] {
  const starts = [...message.matchAll(begin)].map(({ index }) => index);
  const pieces = starts.map((start, n) => message.slice(start, starts[n + 1]));
  return pieces.map((piece) => piece.slice(0, piece.lastIndexOf('}') + 1)).reverse();
}

/** A message as a summary, within its bounds. */
export function summaryOf(message: string): string {
  let summary = message.trim().slice(0, summaryCharactersMax);
  while (Buffer.byteLength(JSON.stringify(summary)) > summaryBytesMax) summary = summary.slice(0, summary.length / 2);
  return summary;
}

function jsonOf(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
