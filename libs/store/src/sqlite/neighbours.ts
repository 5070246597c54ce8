// Own commits wake their watchers at once. Those of other processes on the same file show in SQLite's data version,
// which is looked at now and then as long as anybody watches.
import type { Subscription, Wakeups } from '../wakeups.js';
import type { Statements } from './statements.js';

const lookMs = 100;

export class Neighbours {
  #timer?: NodeJS.Timeout;
  #version: unknown;

  constructor(
    private readonly statements: Statements,
    private readonly wakeups: Wakeups,
  ) {}

  subscribe(stream: string): Subscription {
    this.#version ??= this.#currentVersion();
    this.#timer ??= setInterval(() => this.#look(), lookMs).unref();
    return this.wakeups.subscribe(stream);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    if (this.wakeups.size === 0) {
      this.close();
      return;
    }
    const version = this.#currentVersion();
    if (version === this.#version) return;
    this.#version = version;
    this.wakeups.wakeAll();
  }

  #currentVersion(): unknown {
    return this.statements.dataVersion.get()?.['data_version'];
  }
}
