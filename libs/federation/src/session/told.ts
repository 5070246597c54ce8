// What a peer has answered to commands with an effect, for a while: whoever says another thing later has said both.
import { hash } from 'node:crypto';
import type { ResultClaims } from '#protocol';

/** Of one peer; beyond them the oldest are forgotten, and only the audit log still tells. */
const messagesMax = 256;

export class ToldResults {
  /** By the id of the message that was answered: what was said of each of its commands, hashed. */
  readonly #told = new Map<string, Map<string, string>>();

  /** An answer that was waited for. */
  keep({ req, results = [] }: ResultClaims): void {
    const told = this.#told.get(req.jti) ?? new Map<string, string>();
    for (const result of results) told.set(result.id, hashOf(result));
    this.#told.set(req.jti, told);
    const [oldest] = this.#told.keys();
    if (this.#told.size > messagesMax && oldest !== undefined) this.#told.delete(oldest);
  }

  /** Whether it says another thing than an earlier one; told once, so that nobody fills the log with it. */
  contradicts({ req, results = [] }: ResultClaims): boolean {
    const told = this.#told.get(req.jti);
    if (!told) return false;
    const other = results.some((result) => told.has(result.id) && told.get(result.id) !== hashOf(result));
    if (other) this.#told.delete(req.jti);
    return other;
  }
}

function hashOf(result: unknown): string {
  return hash('sha256', JSON.stringify(result), 'base64url').slice(0, 22);
}
