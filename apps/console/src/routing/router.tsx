// Where the person is: the address is the state, so that every view can be kept, sent and gone back to.
import type { ComponentChildren } from 'preact';
import { Cell, useCell } from '../state/cell.js';

const base = '/console';

export interface Place {
  /** Below `/console`, with a slash first. */
  readonly path: string;
  readonly query: URLSearchParams;
}

const here = (): Place => ({
  path: location.pathname.slice(base.length) || '/',
  query: new URLSearchParams(location.search),
});

const place = new Cell<Place>(here());
addEventListener('popstate', () => place.set(here()));

export const usePlace = () => useCell(place);

/** `to` is below `/console`, with its query. */
export function go(to: string, { replace = false } = {}): void {
  if (replace) history.replaceState(null, '', base + to);
  else history.pushState(null, '', base + to);
  place.set(here());
}

/** Replaces parts of the query; an empty one goes. */
export function filter(change: Readonly<Record<string, string>>): void {
  const query = new URLSearchParams(place.value.query);
  for (const [name, value] of Object.entries(change)) {
    if (value === '') query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  go(place.value.path + (text === '' ? '' : `?${text}`), { replace: true });
}

interface LinkProps {
  readonly to: string;
  readonly class?: string;
  readonly current?: boolean;
  readonly children: ComponentChildren;
}

/** A real link: it opens in another tab as links do. */
export function Link({ to, current = false, children, ...rest }: LinkProps) {
  const follow = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(to);
  };
  return (
    <a href={base + to} onClick={follow} aria-current={current ? 'page' : undefined} {...rest}>
      {children}
    </a>
  );
}

/** The parts of `pattern` that begin with `:`, or undefined where it does not fit. */
export function match(pattern: string, path: string): Record<string, string> | undefined {
  const [wanted, found] = [pattern.split('/'), path.replace(/(.)\/$/, '$1').split('/')];
  if (wanted.length !== found.length) return undefined;
  const parts: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const text = decode(found[i] ?? '');
    if (part.startsWith(':') && text) parts[part.slice(1)] = text;
    else if (part !== text) return undefined;
  }
  return parts;
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
