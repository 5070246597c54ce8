// What waits for a person: each question with its answers, there and gone as events say.
import type { Hub, OpenQuestion } from '#protocol';
import { useFeed } from '../../live/feed.js';
import { useAsked } from '../../parts/asked.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { QuestionCard } from './card.js';

const telling = new Set(['agent.question', 'agent.answer', 'agent.completed', 'agent.failed', 'agent.killed']);

export default function Questions() {
  const asked = useAsked('questions', (signal) =>
    get<{ questions: readonly OpenQuestion[] }>('/v1/questions', {}, signal),
  );
  const hubs = useAsked('hubs', (signal) => get<{ hubs: readonly Hub[] }>('/v1/hubs', {}, signal));
  useFeed((happened) => {
    if (happened.some((one) => !('event' in one) || telling.has(one.event.type))) asked.again();
  });
  const nameOf = (owner: string) =>
    owner === 'local'
      ? 'this spoke’s own people'
      : (hubs.value?.hubs.find(({ connectionId }) => connectionId === owner)?.name ?? owner);
  const questions = asked.value?.questions;
  return (
    <div class="stack">
      <div class="page-head">
        <div>
          <h1>Waiting for a person</h1>
          <p role="status">{questions && inWords(questions.length)}</p>
        </div>
      </div>
      {asked.trouble && <TroubleBox trouble={asked.trouble} />}
      {questions?.length === 0 && <Nothing />}
      {questions?.map((question) => (
        <QuestionCard key={question.questionId} of={question} owner={nameOf(question.owner)} answered={asked.again} />
      ))}
    </div>
  );
}

const inWords = (count: number) =>
  count === 0 ? 'Nothing waits.' : count === 1 ? 'One question waits.' : `${count} questions wait.`;

function Nothing() {
  return (
    <section class="empty">
      <h2>Nobody asks anything</h2>
      <p>Spawns that need an approval and agents that ask for a permission appear here by themselves.</p>
    </section>
  );
}
