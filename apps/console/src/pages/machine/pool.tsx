// Warm backends of sessions.
import type { PoolResource } from '#protocol';
import { useAsked } from '../../parts/asked.js';
import { useEvery } from '../../parts/every.js';
import { Table } from '../../parts/table.js';
import { Tag, type Tone } from '../../parts/tag.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { Link } from '../../routing/router.js';
import { counted, lasting } from '../../words/figures.js';

type Warm = PoolResource['warm'][number];

const tones: Readonly<Record<Warm['state'], Tone>> = {
  opening: 'wait',
  leased: 'busy',
  idle: 'good',
  probing: 'wait',
  closing: 'quiet',
  quarantined: 'bad',
};

const lookEveryMs = 3_000;

export function Pool() {
  const asked = useAsked('pool', (signal) => get<PoolResource>('/v1/pool', {}, signal));
  useEvery(lookEveryMs, asked.again);
  const pool = asked.value;
  return (
    <section class="stack" aria-label="Pool">
      <h2>Pool</h2>
      {asked.trouble && <TroubleBox trouble={asked.trouble} />}
      {pool && <Figures of={pool} />}
      {pool && pool.warm.length > 0 && (
        <Table label="Warm backends" heads={['State', 'Session', 'Agent', '#Idle', '#Tries to end it']}>
          {pool.warm.map((one) => (
            <Row key={one.agentId + one.session} of={one} />
          ))}
        </Table>
      )}
    </section>
  );
}

function Figures({ of: { max, warm, waiting, opened, reused, evicted } }: { readonly of: PoolResource }) {
  const figures = [
    ['warm', `${warm.length} of ${max}`],
    ['waiting', counted(waiting)],
    ['opened', counted(opened)],
    ['used again', counted(reused)],
    ['let go', counted(evicted)],
  ] as const;
  return (
    <div class="cards small-cards">
      {figures.map(([name, figure]) => (
        <div class="card" key={name}>
          <div class="figure">{figure}</div>
          <span class="faint">{name}</span>
        </div>
      ))}
    </div>
  );
}

function Row({ of: { state, session, agentId, idleMs, attempts } }: { readonly of: Warm }) {
  return (
    <tr>
      <td>
        <Tag tone={tones[state]}>{state}</Tag>
      </td>
      <td>{session}</td>
      <td>
        <Link to={`/agents/${agentId}`}>
          <code>{agentId.slice(0, 8)}</code>
        </Link>
      </td>
      <td class="figures">{lasting(idleMs)}</td>
      <td class="figures">{counted(attempts)}</td>
    </tr>
  );
}
