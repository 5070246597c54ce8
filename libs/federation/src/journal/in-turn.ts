// One after the other, per connection: what appends to a journal or prunes it never overlaps itself in this process.

export class InTurn {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs the work when all earlier work under that name has settled. */
  run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#last.set(name, mine);
    const leave = () => {
      if (this.#last.get(name) === mine) this.#last.delete(name);
    };
    mine.then(leave, leave);
    return mine;
  }
}
