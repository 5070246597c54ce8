// Worktrees room: fetches in flight. Of one mirror one runs at a time; those who want the same branch share it.
interface Flight<T> {
  readonly result: Promise<T>;
  readonly stop: AbortController;
  passengers: number;
}

export class Flights {
  readonly #last = new Map<string, Promise<unknown>>();
  readonly #flights = new Map<string, Flight<string>>();

  /** The flight ends early only when every passenger has left it. */
  async join(
    line: string,
    goal: string,
    signal: AbortSignal,
    fly: (signal: AbortSignal) => Promise<string>,
  ): Promise<string> {
    signal.throwIfAborted();
    const key = JSON.stringify([line, goal]);
    const flight = this.#flights.get(key) ?? this.#depart(line, key, fly);
    flight.passengers += 1;
    try {
      return await unlessAborted(flight.result, signal);
    } finally {
      flight.passengers -= 1;
      if (flight.passengers === 0) this.#callBack(key, flight);
    }
  }

  /** Nobody can board it any more. */
  #callBack(key: string, flight: Flight<string>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
    flight.stop.abort(new Error('nobody waits for it'));
  }

  #depart(line: string, key: string, fly: (signal: AbortSignal) => Promise<string>): Flight<string> {
    const stop = new AbortController();
    const before = this.#last.get(line) ?? Promise.resolve();
    const result = before.then(() => fly(stop.signal));
    const landed = result.then(
      () => undefined,
      () => undefined,
    );
    const flight = { result, stop, passengers: 0 };
    this.#flights.set(key, flight);
    this.#last.set(line, landed);
    void landed.then(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
      if (this.#last.get(line) === landed) this.#last.delete(line);
    });
    return flight;
  }
}

async function unlessAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([result, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
