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
}

const spareRows = 12;
const nearEndPx = 40;

export function Rows(props: RowsProps) {
  const { count, height, draw, role = 'group', label } = props;
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 800 });
  useMeasured(box, setView);
  useFollowing(box, props);
  useShown(box, props);
  const first = Math.max(0, Math.floor(view.top / height) - spareRows);
  const last = Math.min(count, Math.ceil((view.top + view.height) / height) + spareRows);
  const { onSeen } = props;
  useEffect(() => onSeen?.(last), [last, count]);
  const drawn = Array.from({ length: Math.max(0, last - first) }, (_, i) => draw(first + i));
  const scrolled = () => {
    const element = box.current;
    if (!element) return;
    setView({ top: element.scrollTop, height: element.clientHeight });
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
        <div class="rows-seen" role="presentation" style={{ transform: `translateY(${first * height}px)` }}>
          {drawn}
        </div>
      </div>
    </div>
  );
}

type Box = RefObject<HTMLDivElement | null>;

function useMeasured(box: Box, set: (view: { top: number; height: number }) => void): void {
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const measure = () => set({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
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
