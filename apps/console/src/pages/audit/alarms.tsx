// What an honest peer never does, above the log that proves it.
import type { AlarmResource } from '#protocol';
import { useAsked } from '../../parts/asked.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { clock, counted } from '../../words/figures.js';

export function Alarms() {
  const asked = useAsked(
    'alarms',
    async (signal) => (await get<{ alarms: AlarmResource[] }>('/v1/alarms', {}, signal)).alarms,
  );
  if (asked.trouble) return <TroubleBox trouble={asked.trouble} />;
  return (
    <>
      {asked.value?.map(({ id, kind, detail, count, lastAt }) => (
        <p key={id} class="note">
          <b>{kind}</b>: {detail}{' '}
          <span class="small">
            ({counted(count)} times, last {clock(lastAt)})
          </span>
        </p>
      ))}
    </>
  );
}
