// Answers to what nobody waits for any more: a command whose time was over may have been carried out, and its signed answer,
// on this link or a later one, still says how it ended.
import { operation } from '#protocol';
import type { CommandResult, OperationKind, ResultClaims } from '#protocol';
import type { Answer, Waiting } from './request.js';

/** Messages of one peer; beyond them the oldest are forgotten, and their answers then tell nobody anything. */
const messagesMax = 1_024;

interface Overdue {
  readonly op: string;
  readonly late: (answer: Answer) => void;
}

/** Without arguments and bytes, which may be large. */
interface LateMessage {
  readonly h: string;
  readonly kind: OperationKind;
  readonly commands: Map<string, Overdue>;
}

export class LateAnswers {
  readonly #messages = new Map<string, LateMessage>();

  /** Of a message that is over, what was not answered and somebody still wants to hear of. */
  keep(jti: string, { h, waiting }: { readonly h: string; readonly waiting: readonly Waiting[] }): void {
    const commands = new Map<string, Overdue>();
    for (const [n, { op, state, options }] of waiting.entries())
      if (state === 'late' && options.late) commands.set(String(n), { op, late: options.late });
    if (commands.size === 0) return;
    this.#messages.set(jti, { h, kind: waiting[0]?.kind ?? 'effect', commands });
    const [oldest] = this.#messages.keys();
    if (this.#messages.size > messagesMax && oldest !== undefined) this.#messages.delete(oldest);
  }

  /** Undefined when it answers none of these. */
  settle({ req, results = [] }: Pick<ResultClaims, 'req' | 'results'>) {
    const message = this.#messages.get(req.jti);
    if (message?.h !== req.h) return undefined;
    for (const result of results) this.tell(message, result);
    if (message.commands.size === 0) this.#messages.delete(req.jti);
    return { raw: '', kind: message.kind };
  }

  private tell({ commands }: LateMessage, result: CommandResult): void {
    const overdue = commands.get(result.id);
    const answer = overdue && answerOf(overdue.op, result);
    if (!answer) return;
    commands.delete(result.id);
    overdue.late(answer);
  }
}

/** To a request that is `late`, before it was put by. */
export function tellLate(one: Waiting, answer: Answer): void {
  one.state = 'done';
  one.options.late?.(answer);
}

/** Undefined when the body has not the shape of its operation. */
export function answerOf(op: string, result: CommandResult): Answer | undefined {
  if (result.st !== 'ok') return result;
  const parsed = operation(op)?.body.safeParse(result.body);
  return parsed?.success ? { st: 'ok', gv: result.gv, body: parsed.data as Record<string, unknown> } : undefined;
}
