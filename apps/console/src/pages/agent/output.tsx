// What the agent says, as it says it: followed over cuts from where it was, searched, and only what is in sight is drawn.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { follow, type LineState, type Message } from '../../live/sse.js';
import { Rows } from '../../parts/rows.js';
import { TroubleBox } from '../../parts/trouble.js';
import { counted } from '../../words/figures.js';
import { Lines } from './lines.js';

interface Piece {
  readonly text: string;
  readonly dropped: number;
  readonly end: boolean;
}

const linePx = 20;
/** Output may come a thousand times a second; it is drawn ten times. */
const drawEveryMs = 100;

interface Followed {
  readonly lines: Lines;
  readonly state: LineState;
  /** Changes with every draw. */
  readonly round: number;
}

function useOutput(agentId: string): Followed {
  const lines = useMemo(() => new Lines(), [agentId]);
  const [state, setState] = useState<LineState>({ state: 'connecting' });
  const [round, draw] = useState(0);
  useEffect(() => {
    const gone = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const take = (messages: readonly Message[]) => {
      for (const { data } of messages) {
        const { text, dropped } = data as Piece;
        if (dropped > 0) lines.append(`\n[${counted(dropped)} bytes are no longer kept]\n`);
        lines.append(text);
      }
      timer ??= setTimeout(() => {
        timer = undefined;
        draw((before) => before + 1);
      }, drawEveryMs);
    };
    void follow({ path: `/v1/agents/${agentId}/output`, signal: gone.signal, take, told: setState });
    return () => {
      gone.abort();
      clearTimeout(timer);
    };
  }, [agentId]);
  return { lines, state, round };
}

export function Output({ agentId }: { readonly agentId: string }) {
  const { lines, state, round } = useOutput(agentId);
  const [follows, setFollows] = useState(true);
  const [words, setWords] = useState('');
  const [at, setAt] = useState(0);
  const found = useMemo(() => lines.find(words), [words, round]);
  const shown = found[at % Math.max(1, found.length)];
  const step = (by: number) => {
    setFollows(false);
    setAt((before) => (before + by + found.length) % Math.max(1, found.length));
  };
  return (
    <div class="output">
      <div class="row output-bar">
        <input
          {...{ type: 'search', 'aria-label': 'Search the output', placeholder: 'search', value: words }}
          onInput={(event) => {
            setWords(event.currentTarget.value);
            setAt(0);
            setFollows(false);
          }}
          onKeyDown={(event) => event.key === 'Enter' && step(event.shiftKey ? -1 : 1)}
        />
        {words !== '' && (
          <span class="row small" role="status">
            {found.length === 0 ? 'nothing' : `${counted((at % found.length) + 1)} of ${counted(found.length)}`}
          </span>
        )}
        <label class="row check">
          <input
            {...{ type: 'checkbox', checked: follows }}
            onChange={(event) => setFollows(event.currentTarget.checked)}
          />
          Follow
        </label>
        <span class="faint small">
          {counted(lines.count + lines.gone)} lines, {stateWords[state.state]}
        </span>
      </div>
      {state.state === 'refused' && <TroubleBox trouble={state.trouble} />}
      {lines.count === 0 && (
        <p class="faint output-none">{state.state === 'ended' ? 'It said nothing.' : 'Nothing yet.'}</p>
      )}
      <Rows
        {...{ class: 'output-lines', label: 'Output', role: 'log', count: lines.count, height: linePx, follows }}
        {...{ onFollow: setFollows, shown: words === '' ? undefined : shown }}
        draw={(i) => <Line key={i} text={lines.all[i] ?? ''} words={words} isShown={words !== '' && i === shown} />}
      />
    </div>
  );
}

const stateWords: Readonly<Record<LineState['state'], string>> = {
  connecting: 'connecting',
  live: 'live',
  ended: 'complete',
  reconnecting: 'reconnecting',
  refused: 'not available',
};

interface LineProps {
  readonly text: string;
  readonly words: string;
  readonly isShown: boolean;
}

function Line({ text, words, isShown }: LineProps) {
  const at = words === '' ? -1 : text.toLowerCase().indexOf(words.toLowerCase());
  if (at < 0) return <div class="output-line">{text}</div>;
  return (
    <div class={`output-line ${isShown ? 'output-shown' : ''}`}>
      {text.slice(0, at)}
      <mark>{text.slice(at, at + words.length)}</mark>
      {text.slice(at + words.length)}
    </div>
  );
}
