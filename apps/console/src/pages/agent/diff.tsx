// What the agent changed, as its spoke shows it: by file, with numbers and colours, and only what is in sight is drawn.
import { useMemo, useState } from 'preact/hooks';
import type { AgentResource } from '#protocol';
import { useAsked } from '../../parts/asked.js';
import { Rows } from '../../parts/rows.js';
import { TroubleBox } from '../../parts/trouble.js';
import { get } from '../../rest/http.js';
import { readPatch, type PatchLine } from './patch.js';
import { coloured } from './syntax.js';

const linePx = 20;
const signs = { file: '', hunk: '', note: '', added: '+', removed: '−', same: ' ' } as const;

export function Diff({ agent }: { readonly agent: AgentResource }) {
  const path = `/v1/agents/${agent.agentId}/diff`;
  const key = `${agent.agentId} ${agent.state} ${agent.turns?.taken ?? 0}`;
  const asked = useAsked(key, (signal) => get<{ text: string; truncated: boolean }>(path, {}, signal));
  const patch = useMemo(() => readPatch(asked.value?.text ?? ''), [asked.value]);
  const [shown, show] = useState<number>();
  if (asked.trouble)
    return (
      <TroubleBox trouble={asked.trouble}>
        <button class="button" onClick={asked.again}>
          Ask again
        </button>
      </TroubleBox>
    );
  if (!asked.value) return <p class="loading">Loading…</p>;
  if (asked.value.text === '') return <p class="faint">It changed nothing so far.</p>;
  return (
    <div class="output">
      <div class="row output-bar">
        <select aria-label="File" onChange={(event) => show(Number(event.currentTarget.value))}>
          {patch.files.map(({ name, at }) => (
            <option key={at} value={at}>
              {name}
            </option>
          ))}
        </select>
        <span class="faint small">
          {patch.files.length} files{asked.value.truncated && '; cut, it is too long to be shown whole'}
        </span>
        <button class="button" onClick={asked.again}>
          Ask again
        </button>
      </div>
      <Rows
        {...{ class: 'output-lines', label: 'Diff', count: patch.lines.length, height: linePx, shown }}
        draw={(i) => {
          const line = patch.lines[i];
          return line && <Line key={i} line={line} />;
        }}
      />
    </div>
  );
}

function Line({ line }: { readonly line: PatchLine }) {
  const { kind, text, before, after } = line;
  const isCode = kind === 'added' || kind === 'removed' || kind === 'same';
  return (
    <div class={`patch-line patch-${kind}`}>
      <span class="patch-number" aria-hidden="true">
        {before ?? ''}
      </span>
      <span class="patch-number" aria-hidden="true">
        {after ?? ''}
      </span>
      <span class="patch-sign">{signs[kind]}</span>
      <code>
        {isCode
          ? coloured(text).map((token, i) =>
              token.kind === 'plain' ? (
                token.text
              ) : (
                <span {...{ key: i, class: `code-${token.kind}` }}>{token.text}</span>
              ),
            )
          : text}
      </code>
    </div>
  );
}
