// The last line of a command may be its result: `{"writ":"result","summary":"…","items":[…]}`.
import { z } from 'zod';
import { agentResult, type AgentResult } from '#protocol';

const told = agentResult.pick({ summary: true, items: true, findings: true, verdict: true });
const resultLine = z.strictObject({
  writ: z.literal('result'),
  ...told.shape,
  items: told.shape.items.default([]),
});

/** The result in a line; undefined when it is an ordinary line; `invalid` when it means to be a result and is none. */
export function resultIn(line: string): AgentResult | 'invalid' | undefined {
  if (!/^\s*\{\s*"writ"\s*:\s*"result"/.test(line)) return undefined;
  try {
    const { summary, items, findings, verdict } = resultLine.parse(JSON.parse(line));
    return { summary, items, ...(findings ? { findings } : {}), ...(verdict ? { verdict } : {}) };
  } catch {
    return 'invalid';
  }
}
