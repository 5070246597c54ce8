// `writ questions`, `writ approve`, `writ deny`: what waits for a person on a spoke.
import type { Command } from 'commander';
import type { RestClient } from '#client';
import { WritError } from '#protocol';
import type { AnswerBody, OpenQuestion } from '#protocol';
import { Desk } from '../desk.js';
import type { Column } from '../printer.js';
import { takesWatch } from '../watch.js';
import type { World } from '../world.js';

const columns: Column<OpenQuestion>[] = [
  { title: 'QUESTION', value: ({ questionId }) => questionId, short: ({ questionId }) => questionId.slice(0, 8) },
  { title: 'AGENT', value: ({ agentId }) => agentId, short: ({ agentId }) => agentId.slice(0, 8) },
  { title: 'FOR', value: ({ kind }) => kind },
  { title: 'WHAT', value: ({ title }) => title },
  { title: 'ANSWERS', value: ({ options }) => options.map(({ id }) => id).join(', ') },
  { title: 'UNTIL', value: ({ until }) => until },
];

/** By the beginning of the question's id or of the agent's. @throws WritError `not_found`, `invalid_request` when several fit */
async function wanted(client: RestClient, given: string): Promise<OpenQuestion> {
  const all = await client.questions.list();
  const fitting = all.filter(({ questionId, agentId }) => questionId.startsWith(given) || agentId.startsWith(given));
  const [found, other] = fitting;
  if (!found) throw new WritError('not_found', `Nothing of ${given} waits for an answer: see writ questions.`);
  if (other) throw new WritError('invalid_request', `${given} fits several questions: give more of the id.`);
  return found;
}

interface Flags {
  readonly option?: string;
  readonly reason?: string;
}

async function reply(desk: Desk, given: string, body: AnswerBody): Promise<void> {
  const question = await desk.with('spoke', async (client) =>
    client.questions.answer((await wanted(client, given)).questionId, body),
  );
  desk.print.one(question, [
    ['agent', question.agentId],
    ['question', question.title],
    ['answer', body.option ?? (body.allow ? 'yes' : 'no')],
  ]);
}

export function addQuestions(program: Command, world: World): void {
  takesWatch(program.command('questions'), world)
    .description('What waits for a person on this spoke')
    .action(async (_options, command: Command) => {
      const desk = new Desk(world, command);
      desk.print.list(await desk.with('spoke', (client) => client.questions.list()), columns, 'Nothing waits for you.');
    });
  for (const [name, allow, what] of [
    ['approve', true, 'Say yes: the agent goes on'],
    ['deny', false, 'Say no: a spawn ends, a running agent is refused what it asked for'],
  ] as const)
    program
      .command(`${name} <question>`)
      .description(`${what}. Takes the beginning of a question's id or of the agent's`)
      .option('--option <id>', 'one of the answers that `writ questions` shows')
      .option('--reason <text>', 'why; it goes into the records')
      .addHelpText('after', `\nExample:\n  writ ${name} 0b1c2d3e --reason "seen with the team"`)
      .action((given: string, { option, reason }: Flags, command: Command) =>
        reply(new Desk(world, command), given, { ...(option === undefined ? { allow } : { option }), reason }),
      );
}
