// Whether the work of an agent may leave this spoke. Asked before a push, before a diff is shown and before an end is recorded
// as a success; whatever was not looked at to its end stays here. [O-9]
import { WritError, type SecretFound } from '#protocol';
import type { AgentsLog } from '../deps.js';
import { whereverItIs } from '../worktrees/moving.js';
import type { Outgoing, Worktrees } from '../worktrees/worktrees.js';
import { allowedIn, type Work } from './allowed.js';
import type { SecretOptions } from './options.js';
import type { SecretScanner } from './scanner.js';
import { search, type Found } from './search.js';

/** `reason` is a sentence for people, without the secret. */
export type Refusal =
  | { readonly kind: 'secrets'; readonly found: readonly SecretFound[]; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };
/** `commit` is what was looked at; absent when there is nothing. */
export type Verdict = { readonly kind: 'clear'; readonly commit?: string } | Refusal;

export interface ClearanceParts {
  readonly worktrees: Worktrees;
  readonly scanner: SecretScanner;
  readonly options: SecretOptions;
  readonly log: AgentsLog;
}

const clear: Verdict = { kind: 'clear' };
const namedMax = 5;
const reportedMax = 20;
const rememberedMax = 1_000;

export class Clearance {
  private readonly asking = new Map<string, Promise<Verdict>>();
  /** By agent and commit; what could not be found out is asked again. */
  private readonly known = new Map<string, Verdict>();

  constructor(private readonly parts: ClearanceParts) {}

  /** Of what was harvested; an agent without any, or without a worktree, is clear. Callers that want the same at the same time share one look. Never rejects. */
  of(work: Work): Promise<Verdict> {
    const asking = this.asking.get(work.agentId) ?? this.ask(work);
    this.asking.set(work.agentId, asking);
    return asking.finally(() => this.asking.delete(work.agentId));
  }

  private async ask(work: Work): Promise<Verdict> {
    const { log } = this.parts;
    try {
      return await whereverItIs(() => this.look(work));
    } catch (cause) {
      if (cause instanceof WritError && cause.code === 'not_found') return clear;
      const isKnown = cause instanceof WritError && cause.code === 'too_large';
      if (!isKnown)
        log.error({ cause, agentId: work.agentId }, 'the work of an agent could not be scanned for secrets');
      return unknown(isKnown ? cause.detail : 'The scan for secrets failed; the log of the spoke has the cause.');
    }
  }

  private async look(work: Work): Promise<Verdict> {
    const { worktrees, options } = this.parts;
    const bounds = { fileBytesMax: options.fileBytesMax, bytesMax: options.workBytesMax };
    const outgoing = await worktrees.outgoing(work.agentId, bounds);
    return outgoing ? this.once(work, outgoing) : clear;
  }

  private async once(work: Work, outgoing: Outgoing): Promise<Verdict> {
    const key = `${work.agentId} ${outgoing.commit}`;
    const judged = this.known.get(key) ?? (await this.judge(work, outgoing));
    const verdict = judged.kind === 'clear' ? { ...judged, commit: outgoing.commit } : judged;
    this.known.delete(key);
    if (verdict.kind !== 'unknown') this.known.set(key, verdict);
    for (const oldest of this.known.keys()) if (this.known.size > rememberedMax) this.known.delete(oldest);
    return verdict;
  }

  /** What stood in the files of the base already does not leave with this work. */
  private async judge(work: Work, outgoing: Outgoing): Promise<Verdict> {
    const { scanner, options } = this.parts;
    const isAllowed = allowedIn(options, work);
    const { found, unread } = await search(scanner, outgoing, { isAllowed, binaries: options.binaries });
    const [file] = unread;
    if (file !== undefined)
      return unknown(
        `\`${file}\`${others(unread)} cannot be read as text: \`review.secrets.binaries\` of the spoke says what becomes of such work.`,
      );
    if (found.length === 0) return clear;
    const before = await search(scanner, { ...outgoing, paths: [], added: () => outgoing.before() });
    const old = new Set(before.found.map(({ hash }) => hash));
    const fresh = found.filter(({ hash }) => !old.has(hash));
    return fresh.length === 0 ? clear : secrets(fresh);
  }
}

function unknown(reason: string): Verdict {
  return { kind: 'unknown', reason: `What the agent changed stays on the spoke. ${reason}` };
}

function secrets(fresh: readonly Found[]): Verdict {
  const found = fresh.slice(0, reportedMax).map(({ rule, file, line }) => ({ rule, file, line }));
  const named = fresh.slice(0, namedMax).map(({ rule, file, line }) => `${rule} in ${file}:${line}`);
  const more = fresh.length > namedMax ? `, and ${fresh.length - namedMax} more` : '';
  const reason = `What the agent changed holds secrets and stays on the spoke: ${named.join(', ')}${more}.`;
  return { kind: 'secrets', found, reason };
}

function others(files: readonly string[]): string {
  return files.length > 1 ? ` (and ${files.length - 1} more)` : '';
}
