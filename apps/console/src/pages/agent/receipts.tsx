// The signed commands that concern this agent: who ordered what, and whether the spoke's signed answer came.
import type { Command, CommandPage } from '#protocol';
import { useFeed } from '../../live/feed.js';
import { useAsked } from '../../parts/asked.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { clock, lasting } from '../../words/figures.js';

export function Receipts({ agentId }: { readonly agentId: string }) {
  const asked = useAsked(agentId, (signal) => get<CommandPage>('/v1/commands', { agentId, limit: 100 }, signal));
  useFeed((happened) => {
    if (happened.some((one) => 'event' in one && one.event.subject === agentId && one.event.type !== 'agent.output'))
      asked.again();
  });
  if (asked.trouble) return <TroubleBox trouble={asked.trouble} />;
  if (!asked.value) return <p class="loading">Loading…</p>;
  if (asked.value.commands.length === 0)
    return <p class="faint">This hub has no command on record for it: it was spawned by others, or long ago.</p>;
  return (
    <ol class="timeline">
      {asked.value.commands.map((command) => (
        <Receipt key={command.commandId} command={command} />
      ))}
    </ol>
  );
}

const words: Readonly<Record<Command['state'], string>> = {
  pending: 'on its way',
  delivered: 'answered, with a signature',
  failed: 'refused, with a signature',
  timed_out: 'no answer in time; it may have been carried out all the same',
};

function Receipt({ command }: { readonly command: Command }) {
  const { op, state, actor, createdAt, answeredAt, commandId, problem } = command;
  const took = answeredAt === undefined ? undefined : Date.parse(answeredAt) - Date.parse(createdAt);
  return (
    <li>
      <b>{op}</b> <span class="faint small">{clock(createdAt)}</span>
      <p>
        {words[state]}
        {took !== undefined && ` after ${took < 1_000 ? `${took} ms` : lasting(took)}`}, by {actor.kind} {actor.id}
      </p>
      {problem && (
        <p>
          <code>{problem.code}</code> {problem.detail} {problem.next}
        </p>
      )}
      <p class="faint small">
        command <code>{commandId}</code>
      </p>
    </li>
  );
}
