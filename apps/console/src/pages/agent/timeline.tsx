// What became of the agent, step by step, as far as its record tells.
import type { AgentResource } from '#protocol';
import { clock, lasting } from '../../words/figures.js';

interface Step {
  readonly at: string;
  readonly what: string;
  readonly more?: string | undefined;
}

export function Timeline({ agent }: { readonly agent: AgentResource }) {
  const steps = stepsOf(agent);
  return (
    <ol class="timeline">
      {steps.map(({ at, what, more }, i) => {
        const before = steps[i - 1];
        return (
          <li key={`${at} ${what}`}>
            <b>{what}</b>{' '}
            <span class="faint small">
              {clock(at)}
              {before && `, ${lasting(Date.parse(at) - Date.parse(before.at))} later`}
            </span>
            {more !== undefined && <p>{more}</p>}
          </li>
        );
      })}
    </ol>
  );
}

function stepsOf(agent: AgentResource): Step[] {
  const { spawnedAt, startedAt, endedAt, state, reason, exitReason, actor, sandbox, cleanup, question, answer } = agent;
  const by = (one: AgentResource['actor']) => (one ? `by ${one.kind} ${one.id}` : undefined);
  const steps: (Step | undefined)[] = [
    { at: spawnedAt, what: 'Spawned', more: by(actor) },
    startedAt === undefined
      ? undefined
      : { at: startedAt, what: 'Started', more: sandbox && `in the sandbox ${sandbox.level}` },
    question && { at: question.askedAt, what: 'Asked a person', more: question.title },
    answer && { at: answer.at, what: 'Was answered', more: by(answer.actor) },
    ...turnSteps(agent),
    endedAt === undefined ? undefined : { at: endedAt, what: `Ended: ${state}`, more: endWords(reason, exitReason) },
    cleanup && endedAt !== undefined ? { at: endedAt, what: 'Cleaned up', more: cleanupWords(cleanup) } : undefined,
  ];
  return steps.filter((step) => step !== undefined).sort((one, other) => one.at.localeCompare(other.at));
}

function turnSteps({ turns }: AgentResource): Step[] {
  const { current, last } = turns ?? {};
  return [
    ...(last ? [{ at: last.startedAt, what: `Turn ${last.turn} began` }] : []),
    ...(last
      ? [{ at: last.endedAt, what: `Turn ${last.turn} ${last.state}`, more: last.reason ?? last.result?.summary }]
      : []),
    ...(current ? [{ at: current.startedAt, what: `Turn ${current.turn} began` }] : []),
  ];
}

const endWords = (reason: string | undefined, exit: string | undefined) =>
  [exit?.replaceAll('_', ' '), reason].filter((part) => part !== undefined).join(': ') || undefined;

function cleanupWords(cleanup: NonNullable<AgentResource['cleanup']>): string {
  return Object.entries(cleanup)
    .map(([part, { outcome, reason }]) => `${part} ${outcome}${reason === undefined ? '' : ` (${reason})`}`)
    .join(', ');
}
