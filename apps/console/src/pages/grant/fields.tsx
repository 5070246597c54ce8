// The fields of a grant, drawn by its schema: what the protocol adds appears here by itself.
import type { GrantSchema } from '#protocol';
import { partName } from '../../words/grant.js';
import { faultsAt } from './faults.js';
import type { FieldProps } from './field.js';
import { Choice, Figure, Lines, Several, Yes } from './inputs.js';

const members = (value: unknown) =>
  (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;

/** What is left out is no member, so that the text stays as short as the grant. */
function withMember(value: unknown, name: string, member: unknown): Record<string, unknown> {
  const others = Object.entries(members(value)).filter(([other]) => other !== name);
  return member === undefined ? Object.fromEntries(others) : { ...members(value), [name]: member };
}

export function Members({ node, path, value, write, faults }: FieldProps) {
  const parts = Object.entries(node.properties ?? {}).filter(([name]) => name !== '$schema');
  return (
    <div class="grant-fields">
      {parts.map(([name, part]) => (
        <Field
          {...{
            key: name,
            node: part,
            path: path === '' ? name : `${path}.${name}`,
            value: members(value)[name],
            faults,
          }}
          write={(member) => write(withMember(value, name, member))}
        />
      ))}
    </div>
  );
}

function Field(props: FieldProps) {
  const { node } = props;
  if (node.type === 'object') return <Group {...props} />;
  if (node.anyOf) return <Either {...props} />;
  if (node.type === 'array') return node.items?.enum ? <Several {...props} /> : <Lines {...props} />;
  if (node.type === 'boolean') return <Yes {...props} />;
  return node.enum ? <Choice {...props} /> : <Figure {...props} />;
}

const nameOf = (path: string) => path.slice(path.lastIndexOf('.') + 1);

/** An object without a member is left out, where it may be. */
function Group(props: FieldProps) {
  const { node, path, write } = props;
  const isNeeded = node.default !== undefined;
  const written = (value: unknown) => write(!isNeeded && Object.keys(members(value)).length === 0 ? undefined : value);
  return (
    <fieldset class="grant-group">
      <legend>{partName(nameOf(path))}</legend>
      {node.description !== undefined && <p class="hint faint small">{node.description}</p>}
      <Members {...props} write={written} />
    </fieldset>
  );
}

/** A word, or an object in its place. */
function Either({ node, path, value, write, faults }: FieldProps) {
  const word = node.anyOf?.find((one) => one.const !== undefined);
  const part = node.anyOf?.find((one) => one.properties !== undefined);
  const isPart = typeof value === 'object';
  const first = Object.entries(part?.properties ?? {}).map(([name, of]) => [name, firstOf(of)] as const);
  return (
    <fieldset class="grant-group">
      <legend>{partName(nameOf(path))}</legend>
      {node.description !== undefined && <p class="hint faint small">{node.description}</p>}
      <div class="row">
        <label class="choice">
          <input type="radio" name={path} checked={!isPart} onChange={() => write(word?.const)} />
          {String(word?.const)}
        </label>
        <label class="choice">
          <input type="radio" name={path} checked={isPart} onChange={() => write(Object.fromEntries(first))} />
          {first.map(([name]) => partName(name)).join(', ')}
        </label>
      </div>
      {isPart && part && (
        <Members node={part} path={path} value={value} write={write} faults={faultsAt(faults, path)} />
      )}
    </fieldset>
  );
}

/** Ten minutes where that is allowed: a start that nobody minds. */
const firstFigure = 600;
const firstOf = ({ minimum = 0, maximum = firstFigure }: GrantSchema) =>
  Math.min(maximum, Math.max(minimum, firstFigure));
