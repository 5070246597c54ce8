// What an agent's backend leaves for a later one: the session by the agent's own name for it, and in short what was asked and
// answered, for an agent that cannot take up a session again.
import { z } from 'zod';
import { WritError } from '#protocol';

const turnsMax = 20;
const charactersMax = 2_000;

const turn = z.strictObject({ asked: z.string(), answered: z.string() });
const remembered = z.strictObject({
  format: z.literal(1),
  sessionId: z.string().optional(),
  /** What the agent said its session has cost, in millionths of a US dollar. */
  moneyMicroUsd: z.int().min(0),
  turns: z.array(turn),
});
export type Remembered = z.infer<typeof remembered>;

const nothing: Remembered = { format: 1, moneyMicroUsd: 0, turns: [] };

/** Our own file; what has another shape was written by a newer version. @throws WritError `store_format` */
export function recalled(memory: string | undefined): Remembered {
  if (memory === undefined) return nothing;
  const parsed = remembered.safeParse(JSON.parse(memory));
  if (parsed.success) return parsed.data;
  throw new WritError('store_format', 'The memory of the session was written by a newer version.');
}

/** The first turn, which has the task, and the latest ones are kept. */
export function withTurn(past: Remembered, asked: string, answered: string): Remembered {
  const turns = [...past.turns, { asked: short(asked), answered: short(answered) }];
  return { ...past, turns: [...turns.slice(0, 1), ...turns.slice(1).slice(1 - turnsMax)] };
}

/** For an agent that begins anew in the middle of a session. */
export function account({ turns }: Remembered): string {
  if (turns.length === 0) return '';
  const told = turns.map(({ asked, answered }) => `You were asked: ${asked}\nYou answered: ${answered}`);
  return [
    'You have worked in this session before, and the conversation is lost. The worktree is as you left it. In short, the oldest first:',
    ...told,
  ].join('\n\n');
}

function short(text: string): string {
  return text.length > charactersMax ? `${text.slice(0, charactersMax)} …` : text;
}
