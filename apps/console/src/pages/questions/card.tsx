// One question: who asks what, how long it waits, and the answers that it has.
import type { OpenQuestion } from '#protocol';
import { useState } from 'preact/hooks';
import { useActing } from '../../parts/acting.js';
import { useMay } from '../../parts/allowed.js';
import { ReasonField, why } from '../../parts/reason.js';
import { useNow } from '../../parts/now.js';
import { Tag } from '../../parts/tag.js';
import { TroubleBox } from '../../parts/trouble.js';
import { post } from '../../rest/http.js';
import { Link } from '../../routing/router.js';
import { ago, clock, lasting } from '../../words/figures.js';

interface QuestionCardProps {
  readonly of: OpenQuestion;
  readonly owner: string;
  readonly answered: () => void;
}

export function QuestionCard({ of, owner, answered }: QuestionCardProps) {
  const { kind, title, detail, agentId, taskId, questionId } = of;
  const mayAnswer = useMay('operator');
  return (
    <section class="card stack" aria-labelledby={`q-${questionId}`}>
      <div class="row apart">
        <Tag tone="wait">{kind === 'spawn' ? 'to begin' : 'a permission'}</Tag>
        <Waiting of={of} />
      </div>
      <h2 class="question-title" id={`q-${questionId}`}>
        {title}
      </h2>
      {detail !== undefined && (
        <pre class="asked-detail" tabIndex={0}>
          {detail}
        </pre>
      )}
      <p class="faint small">
        For {owner}, task {taskId}, agent{' '}
        <Link to={`/agents/${agentId}`}>
          <code>{agentId.slice(0, 8)}</code>
        </Link>
      </p>
      {mayAnswer ? <Answers of={of} answered={answered} /> : <p class="faint">An operator or admin can answer it.</p>}
    </section>
  );
}

function Waiting({ of: { askedAt, until } }: { readonly of: OpenQuestion }) {
  const now = useNow();
  const leftMs = Date.parse(until) - now;
  return (
    <span class="faint small" title={`${clock(askedAt)} to ${clock(until)}`}>
      asked {ago(askedAt, now)}, {leftMs > 0 ? `${lasting(leftMs)} left` : 'its time is up'}
    </span>
  );
}

/** The answer is one of the question's own; what happens next comes as an event. */
function Answers({ of: { questionId, options, title }, answered }: Omit<QuestionCardProps, 'owner'>) {
  const [reason, write] = useState('');
  const { isBusy, trouble, act } = useActing();
  const answer = (option: string) =>
    act(async () => {
      await post(`/v1/questions/${questionId}`, { option, ...why(reason) });
      answered();
    });
  return (
    <div class="stack">
      <ReasonField value={reason} onInput={write} />
      {trouble && <TroubleBox trouble={trouble} />}
      <div class="row" role="group" aria-label={`Answer: ${title}`}>
        {options.map(({ id, label, allows }) => (
          <button
            {...{ key: id, class: `button ${allows ? 'primary' : 'danger'}`, disabled: isBusy }}
            onClick={() => answer(id)}
          >
            {label}
          </button>
        ))}
      </div>
    </div>
  );
}
