// A value that the page watches: whoever reads it with `useCell` is drawn again when it changes.
import { useEffect, useState } from 'preact/hooks';

export class Cell<T> {
  private readonly watchers = new Set<(value: T) => void>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  set(value: T): void {
    if (Object.is(value, this.current)) return;
    this.current = value;
    for (const tell of [...this.watchers]) tell(value);
  }

  /** Returns how to stop. */
  watch(tell: (value: T) => void): () => void {
    this.watchers.add(tell);
    return () => void this.watchers.delete(tell);
  }
}

export function useCell<T>(cell: Cell<T>): T {
  const [value, show] = useState(() => cell.value);
  useEffect(() => {
    show(() => cell.value);
    return cell.watch((next) => show(() => next));
  }, [cell]);
  return value;
}
