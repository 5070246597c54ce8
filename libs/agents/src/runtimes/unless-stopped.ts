// Waiting for something that an agent may keep back for ever: the signal ends the wait at once.
import { once } from 'node:events';

/** @throws the reason of the signal, or what `whole` rejects with. */
export async function unlessStopped<T>(whole: Promise<T>, signal: AbortSignal): Promise<T> {
  whole.catch(() => undefined);
  signal.throwIfAborted();
  const over = new AbortController();
  const stopped = once(signal, 'abort', { signal: over.signal }).then((): never => {
    throw signal.reason;
  });
  try {
    return await Promise.race([whole, stopped]);
  } finally {
    over.abort();
  }
}
