// The inputs of a grant's form, each with its name, what it means, and what is wrong with it.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { partName, unitWords } from '../../words/grant.js';
import { faultsAt, faultWords } from './faults.js';
import type { FieldProps } from './field.js';

const nameOf = (path: string) => path.slice(path.lastIndexOf('.') + 1);
const idOf = (path: string) => `grant-${path.replaceAll('.', '-')}`;

/** For the input: what describes it, and whether it is at fault. */
const described = ({ path, faults }: FieldProps) => ({
  id: idOf(path),
  'aria-describedby': `${idOf(path)}-hint ${idOf(path)}-faults`,
  'aria-invalid': faultsAt(faults, path).length > 0,
});

function Below({ of: { node, path, faults }, more }: { readonly of: FieldProps; readonly more?: string | undefined }) {
  const said = faultsAt(faults, path);
  return (
    <>
      <span class="hint" id={`${idOf(path)}-hint`}>
        {[node.description, more].filter((words) => words !== undefined).join('. ')}
      </span>
      <span class="failed small" id={`${idOf(path)}-faults`} role={said.length > 0 ? 'alert' : undefined}>
        {said.map(faultWords).join(' ')}
      </span>
    </>
  );
}

interface LabelledProps {
  readonly of: FieldProps;
  readonly more?: string | undefined;
  readonly children: ComponentChildren;
}

function Labelled({ of, more, children }: LabelledProps) {
  return (
    <div class="field">
      <label for={idOf(of.path)}>{partName(nameOf(of.path))}</label>
      {children}
      <Below of={of} more={more} />
    </div>
  );
}

export function Figure(props: FieldProps) {
  const { node, path, value, write } = props;
  const { minimum, maximum } = node;
  const more = typeof value === 'number' ? unitWords(nameOf(path), value) : undefined;
  return (
    <Labelled of={props} more={more}>
      <input
        {...{ ...described(props), type: 'number', step: 'any', min: minimum, max: maximum }}
        {...{ placeholder: 'no limit here', value: typeof value === 'number' ? value : '' }}
        onInput={({ currentTarget: { value: text } }) => write(text === '' ? undefined : Number(text))}
      />
    </Labelled>
  );
}

export function Choice(props: FieldProps) {
  const { node, value, write } = props;
  return (
    <Labelled of={props}>
      <select {...described(props)} value={String(value)} onChange={(event) => write(event.currentTarget.value)}>
        {node.enum?.map(String).map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

export function Yes(props: FieldProps) {
  const { value, write, path } = props;
  return (
    <div class="field">
      <label class="choice">
        <input
          {...{ ...described(props), type: 'checkbox', checked: value === true }}
          onChange={() => write(value === true ? undefined : true)}
        />
        {partName(nameOf(path))}
      </label>
      <Below of={props} />
    </div>
  );
}

const strings = (value: unknown) => (Array.isArray(value) ? value.map(String) : []);
const linesOf = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** One a line. An empty list that may be left out is. */
export function Lines(props: FieldProps) {
  const { node, value, write } = props;
  const [text, type] = useState(strings(value).join('\n'));
  const shown = linesOf(text).join('\n') === strings(value).join('\n') ? text : strings(value).join('\n');
  const typed = (next: string) => {
    type(next);
    const lines = linesOf(next);
    write(lines.length === 0 && node.default === undefined ? undefined : lines);
  };
  return (
    <Labelled of={props} more="One a line">
      <textarea
        {...{ ...described(props), class: 'mono short', spellcheck: false, value: shown }}
        {...{ rows: Math.min(8, linesOf(shown).length + 1) }}
        onInput={(event) => typed(event.currentTarget.value)}
      />
    </Labelled>
  );
}

export function Several(props: FieldProps) {
  const { node, path, value, write } = props;
  const all = (node.items?.enum ?? []).map(String);
  const chosen = strings(value);
  const toggle = (one: string) =>
    write(all.filter((other) => (other === one ? !chosen.includes(one) : chosen.includes(other))));
  return (
    <fieldset class="grant-group" aria-describedby={`${idOf(path)}-hint ${idOf(path)}-faults`}>
      <legend>{partName(nameOf(path))}</legend>
      <div class="ticks">
        {all.map((one) => (
          <label key={one}>
            <input type="checkbox" checked={chosen.includes(one)} onChange={() => toggle(one)} /> {one}
          </label>
        ))}
      </div>
      <Below of={props} />
    </fieldset>
  );
}
