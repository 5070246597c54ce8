// What a peer has answered to commands with an effect, for a while: whoever says another thing later has said both.
import type { CommandResult, ResultClaims } from '#protocol';

/** Of one peer; beyond them the oldest are forgotten, and only the audit log still tells. */
const messagesMax = 1_024;
const charactersMax = 8 * 2 ** 20;

interface Told {
  readonly raw: string;
  readonly results: readonly CommandResult[];
}

export class ToldResults {
  readonly #told = new Map<string, Told[]>();
  #characters = 0;

  /** An answer that was waited for. */
  keep({ req, results = [] }: ResultClaims, raw: string): void {
    const before = this.#told.get(req.jti) ?? [];
    this.#told.delete(req.jti);
    this.#told.set(req.jti, [...before, { raw, results }]);
    this.#characters += raw.length;
    for (const [jti, all] of this.#told) {
      if (this.#told.size <= messagesMax && this.#characters <= charactersMax) return;
      this.forget(jti, all);
    }
  }

  /** The earlier message that this one contradicts; told once, so that nobody fills the log with it. */
  contradicts({ req, results = [] }: ResultClaims): string | undefined {
    const earlier = this.#told.get(req.jti) ?? [];
    const other = (one: CommandResult, two: CommandResult) =>
      one.id === two.id && JSON.stringify(one) !== JSON.stringify(two);
    const found = earlier.find((told) => told.results.some((one) => results.some((two) => other(one, two))));
    if (found) this.forget(req.jti, earlier);
    return found?.raw;
  }

  private forget(jti: string, all: readonly Told[]): void {
    this.#told.delete(jti);
    for (const one of all) this.#characters -= one.raw.length;
  }
}
