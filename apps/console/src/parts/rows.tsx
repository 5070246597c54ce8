// A long list of which only the rows in sight are in the page: each has the same height, so a place is a division.
import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

interface RowsProps {
  readonly count: number;
  /** Of one row, in pixels. */
  readonly height: number;
  readonly draw: (index: number) => ComponentChildren;
  /** Stays at the end while it grows, until somebody scrolls away from it. */
  readonly follows?: boolean;
  readonly onFollow?: (follows: boolean) => void;
  /** Brought into sight when it changes. */
  readonly shown?: number | undefined;
  readonly class?: string;
  readonly label: string;
  readonly role?: 'rowgroup' | 'log' | 'group';
  /** Called with the last row in sight, to ask for more in time. */
  readonly onSeen?: (last: number) => void;
  /** How many rows have come before the first since the beginning: who has scrolled away from there keeps their place. */
  readonly before?: number;
}

/** The rows that are in the page: `span` of them from `first` on. */
interface Drawn {
  readonly first: number;
  readonly span: number;
}

/** Rows beyond those in sight come and go so many at once: between that, scrolling draws nothing. */
const stepRows = 8;
const nearEndPx = 40;

export function Rows(props: RowsProps) {
  const { count, height, draw, role = 'group', label } = props;
  const box = useRef<HTMLDivElement>(null);
  const [drawn, show] = useState<Drawn>({ first: 0, span: 5 * stepRows });
  const look = (element: HTMLElement) => show((now) => drawnAt(element, height, now));
  useKeptPlace(box, props);
  useMeasured(box, look);
  useFollowing(box, props);
  useShown(box, props);
  const first = Math.max(0, Math.min(drawn.first, count - drawn.span));
  const last = Math.min(count, first + drawn.span);
  const { onSeen } = props;
  useEffect(() => onSeen?.(last), [last, count]);
  const rows = Array.from({ length: Math.max(0, last - first) }, (_, i) => draw(first + i));
  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    look(element);
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < nearEndPx;
    if (props.follows !== undefined && isAtEnd !== props.follows) props.onFollow?.(isAtEnd);
  };
  return (
    <div
      ref={box}
      class={`rows ${props.class ?? ''}`}
      onScroll={scrolled}
      tabIndex={0}
      {...{ role }}
      aria-label={label}
    >
      <div class="rows-all" role="presentation" style={{ height: `${count * height}px` }}>
        <div class="rows-seen" role="presentation" style={{ top: `${first * height}px` }}>
          {rows}
        </div>
      </div>
    </div>
  );
}

type Box = RefObject<HTMLDivElement | null>;

/** The same object as long as the same rows are drawn. */
function drawnAt({ scrollTop, clientHeight }: HTMLElement, height: number, now: Drawn): Drawn {
  const first = Math.max(0, (Math.floor(scrollTop / height / stepRows) - 1) * stepRows);
  const span = (Math.ceil(clientHeight / height / stepRows) + 3) * stepRows;
  return first === now.first && span === now.span ? now : { first, span };
}

/** Must come before whatever else looks at where the list stands. */
function useKeptPlace(box: Box, { before = 0, height }: RowsProps): void {
  const known = useRef(before);
  useLayoutEffect(() => {
    const element = box.current;
    if (element && element.scrollTop > 0) element.scrollTop += (before - known.current) * height;
    known.current = before;
  }, [before]);
}

function useMeasured(box: Box, look: (element: HTMLElement) => void): void {
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(() => look(element));
    observer.observe(element);
    look(element);
    return () => observer.disconnect();
  }, []);
}

function useFollowing(box: Box, { count, follows }: RowsProps): void {
  useLayoutEffect(() => {
    if (follows && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [count, follows]);
}

function useShown(box: Box, { shown, height }: RowsProps): void {
  useLayoutEffect(() => {
    if (shown !== undefined && box.current)
      box.current.scrollTop = Math.max(0, shown * height - box.current.clientHeight / 2);
  }, [shown]);
}
