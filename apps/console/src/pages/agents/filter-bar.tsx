// The filters as people set them; each change stands in the address at once.
import { StateShape } from '../../parts/state.js';
import { filter } from '../../routing/router.js';
import { agentStates, agentTypes, type Filters } from './filters.js';

interface FilterBarProps {
  readonly filters: Filters;
  /** On a hub. */
  readonly spokes: readonly string[] | undefined;
}

const valueOf = (event: Event) => (event.currentTarget as HTMLInputElement | HTMLSelectElement).value.trim();

export function FilterBar({ filters, spokes }: FilterBarProps) {
  const { states, agentType, spoke, taskId, label } = filters;
  const toggle = (state: (typeof agentStates)[number]) => {
    const next = states.includes(state) ? states.filter((one) => one !== state) : [...states, state];
    filter({ state: next.join(',') });
  };
  const isFiltered = states.length > 0 || [agentType, spoke, taskId, label].some((part) => part !== '');
  return (
    <div class="filters" role="search" aria-label="Filter agents">
      <div class="chips" role="group" aria-label="State">
        {agentStates.map((state) => (
          <button
            {...{ key: state, class: `chip state-${state}`, 'aria-pressed': states.includes(state) }}
            onClick={() => toggle(state)}
          >
            <StateShape state={state} />
            {state}
          </button>
        ))}
      </div>
      <select aria-label="Type" value={agentType} onChange={(event) => filter({ type: valueOf(event) })}>
        <option value="">all types</option>
        {agentTypes.map((type) => (
          <option key={type} value={type}>
            {type}
          </option>
        ))}
      </select>
      {spokes && (
        <select aria-label="Spoke" value={spoke} onChange={(event) => filter({ spoke: valueOf(event) })}>
          <option value="">all spokes</option>
          {[...new Set([...spokes, ...(spoke === '' ? [] : [spoke])])].map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      )}
      <input
        {...{ 'aria-label': 'Task', placeholder: 'task', value: taskId, type: 'search', maxLength: 128 }}
        onChange={(event) => filter({ task: valueOf(event) })}
      />
      {spokes && (
        <input
          {...{ 'aria-label': 'Label of the spoke', placeholder: 'label: key=value', value: label, type: 'search' }}
          onChange={(event) => filter({ label: valueOf(event) })}
        />
      )}
      {isFiltered && (
        <button class="button" onClick={() => filter({ state: '', type: '', spoke: '', task: '', label: '' })}>
          Show all
        </button>
      )}
    </div>
  );
}
