// The picture itself. Everything in it stands in words beside it, so that it is one image to those who do not see it.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { AgentResource, Spoke } from '#protocol';
import { useNow } from '../../parts/now.js';
import { signedIn } from '../../rest/proof.js';
import { go } from '../../routing/router.js';
import { useCell } from '../../state/cell.js';
import { isOver } from '../../words/agents.js';
import { shortly } from '../../words/figures.js';
import { frames, reachOf, seed, sizeAmong, spotsAround, type Spot } from './layout.js';
import { linkOf, type LinkKind } from './link.js';

interface PictureProps {
  readonly spokes: readonly Spoke[];
  readonly bySpoke: ReadonlyMap<string, readonly AgentResource[]>;
  /** Also of agents that are not shown. */
  readonly alive: ReadonlyMap<string, number>;
  readonly beats: ReadonlyMap<string, number>;
}

const narrowPx = 620;

export function Picture({ spokes, bySpoke, alive, beats }: PictureProps) {
  const box = useRef<HTMLDivElement>(null);
  const [isNarrow, setNarrow] = useState(false);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => setNarrow(element.clientWidth < narrowPx));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const now = useNow();
  const who = useCell(signedIn);
  const frame = isNarrow ? frames.narrow : frames.wide;
  const spots = spotsAround(frame, spokes.length);
  const hub = { x: frame.width / 2, y: frame.height / 2 };
  const placed = spokes.map((spoke, i) => ({ spoke, at: spots[i] ?? hub, link: linkOf(spoke, now) }));
  const size = sizeAmong(spokes.length);
  return (
    <div ref={box} class="picture card">
      <svg
        viewBox={`0 0 ${frame.width} ${frame.height}`}
        role="img"
        aria-label="The hub with its spokes and their agents; the list beside it says the same"
      >
        <Shapes />
        {placed.map(({ spoke, at, link }) => (
          <Line key={spoke.connectionId} from={at} to={hub} link={link} beats={beats.get(spoke.name) ?? 0} />
        ))}
        {placed.map(({ spoke, at, link }) => (
          <SpokeAt
            {...{ key: spoke.connectionId, spoke, at, link, size, alive: alive.get(spoke.name) ?? 0 }}
            agents={bySpoke.get(spoke.name) ?? []}
          />
        ))}
        <g transform={`translate(${hub.x} ${hub.y})`}>
          <circle class="hub-halo" r="58" />
          <circle class="hub-body" r="42" />
          <text class="hub-name" dy="5">
            {who.state === 'in' ? short(who.instance.name, 12) : ''}
          </text>
        </g>
      </svg>
    </div>
  );
}

/** A shape for each state, so that colours are not needed to tell them apart. */
function Shapes() {
  return (
    <defs>
      <circle id="agent-spawning" r="4.6" />
      <circle id="agent-running" r="5.2" />
      <g id="agent-idle">
        <circle r="4.6" fill="none" />
        <path d="M0 -4.6a4.6 4.6 0 0 0 0 9.2z" stroke="none" />
      </g>
      <path id="agent-completed" d="M-4.6 .4l3.2 3.4l6 -7" />
      <path id="agent-failed" d="M-4 -4l8 8M4 -4l-8 8" />
      <rect id="agent-killed" x="-4.3" y="-4.3" width="8.6" height="8.6" />
    </defs>
  );
}

interface LineProps {
  readonly from: Spot;
  readonly to: Spot;
  readonly link: LinkKind;
  readonly beats: number;
}

/** What comes from a spoke runs along its line: one pulse for what came together. */
function Line({ from, to, link, beats }: LineProps) {
  return (
    <g class={`link link-${link}`}>
      <line x1={from.x} y1={from.y} x2={to.x} y2={to.y} />
      {beats > 0 && (
        <circle
          {...{ key: Math.ceil(beats / 4), class: 'pulse', r: 4, cx: to.x, cy: to.y }}
          style={{ '--dx': `${from.x - to.x}px`, '--dy': `${from.y - to.y}px` }}
        />
      )}
    </g>
  );
}

interface SpokeAtProps {
  readonly spoke: Spoke;
  readonly at: Spot;
  readonly link: LinkKind;
  readonly size: number;
  /** Those that are shown. */
  readonly agents: readonly AgentResource[];
  /** How many live, shown or not. */
  readonly alive: number;
}

function SpokeAt({ spoke, at, link, size, agents, alive }: SpokeAtProps) {
  const reach = size * reachOf(agents.length) + 26;
  const shown = agents.filter((agent) => !isOver(agent)).length;
  // The picture hears of an agent before it is counted anew.
  const living = Math.max(alive, shown);
  return (
    <g class={`spoke link-${link}`} transform={`translate(${at.x} ${at.y})`}>
      <circle class="spoke-body" r={24 * size} />
      <text class="spoke-count" dy="5">
        {living > 0 && shortly(living)}
      </text>
      {agents.map((agent, i) => (
        <Dot key={agent.agentId} agent={agent} at={seed(i, size)} size={size} />
      ))}
      <text class="spoke-name" y={reach}>
        {short(spoke.name, 18)}
        {living > shown && ` +${shortly(living - shown)}`}
      </text>
    </g>
  );
}

function Dot({ agent, at, size }: { readonly agent: AgentResource; readonly at: Spot; readonly size: number }) {
  const kind = agent.state === 'running' && agent.activity === 'idle' ? 'idle' : agent.state;
  return (
    <use
      {...{ href: `#agent-${kind}`, class: `dot dot-${kind}` }}
      transform={`translate(${at.x} ${at.y}) scale(${Math.max(0.6, size * 1.3)})`}
      onClick={() => go(`/agents/${agent.agentId}`)}
    >
      <title>{`${agent.taskId}: ${kind}`}</title>
    </use>
  );
}

const short = (name: string, most: number) => (name.length <= most ? name : `${name.slice(0, most - 1)}…`);
