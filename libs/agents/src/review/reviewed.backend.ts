// A runtime's backend whose turns count only when the gates pass. What does not pass is handed back to the agent as more of
// the same turn, a bounded number of times; and nothing an agent says leaves a turn before secrets are taken out of it.
//
//   turn ─► finished? ─► gates ─► passed ─► result without secrets
//             ▲            │ no: hand back (a few times, where a runtime takes turns)
//             └────────────┴──► failed, with the report
import type { AgentResult, GateReport } from '#protocol';
import type { AgentsLog } from '../deps.js';
import { Backend, type RuntimeOutcome, type Turn } from '../runtimes/runtime.js';
import type { Guard } from '../secrets/guard.js';
import type { Gates } from './gates.js';

export interface ReviewParts {
  readonly gates: Gates;
  readonly guard: Guard;
  readonly handBacksMax: number;
  readonly log: AgentsLog;
}

const summaryCharactersMax = 8_000;

export class ReviewedBackend extends Backend {
  constructor(
    private readonly inner: Backend,
    private readonly parts: ReviewParts,
  ) {
    super();
  }

  override async turn(turn: Turn): Promise<RuntimeOutcome> {
    return this.guarded(await this.judged(turn));
  }

  override memory(): string | undefined {
    return this.inner.memory();
  }

  override idle(): Promise<boolean> {
    return this.inner.idle();
  }

  override close(): Promise<void> {
    return this.inner.close();
  }

  private async judged(turn: Turn): Promise<RuntimeOutcome> {
    const { gates, handBacksMax } = this.parts;
    let outcome = await this.inner.turn(turn);
    for (let times = 0; isDone(outcome) && !gates.isEmpty; times++) {
      const reports = await gates.run();
      const refused = reports.find(({ passed }) => !passed);
      outcome = { ...outcome, result: { ...outcome.result, gates: [...reports] } };
      if (!refused) return outcome;
      if (times >= handBacksMax) return failed(outcome, refused);
      outcome = goneOn(outcome, await this.inner.turn({ ...turn, input: handBack(refused) }));
    }
    return outcome;
  }

  /** A result that nobody could look at is not told. */
  private async guarded(outcome: RuntimeOutcome): Promise<RuntimeOutcome> {
    try {
      return { ...outcome, result: await this.parts.guard.result(outcome.result) };
    } catch (cause) {
      this.parts.log.error({ cause }, 'the result of an agent could not be scanned for secrets');
      const failure = 'The result is withheld: the scan for secrets failed; the log of the spoke has the cause.';
      return { exitReason: 'scan_failed', result: { summary: '', items: [] }, failure };
    }
  }
}

function isDone({ exitReason, failure }: RuntimeOutcome): boolean {
  return exitReason === 'finished' && failure === undefined;
}

function failed(outcome: RuntimeOutcome, { command, reason = '' }: GateReport): RuntimeOutcome {
  return { ...outcome, exitReason: 'gate_failed', failure: `The gate \`${command}\` did not pass. ${reason}` };
}

/** The answers to the items stand; what the agent did about the gates is added. The reports are the last ones. */
function goneOn(before: RuntimeOutcome, after: RuntimeOutcome): RuntimeOutcome {
  const { items, gates } = before.result;
  const summary = [before.result.summary, after.result.summary].map((text) => text.slice(0, summaryCharactersMax - 1));
  const result: AgentResult = { ...after.result, items, summary: summary.filter(Boolean).join('\n\n') };
  return { ...after, result: { ...result, ...(gates ? { gates } : {}) } };
}

function handBack({ command, reason = '', output = '' }: GateReport): string {
  return [
    'Your work is not accepted yet: a command that has to pass did not.',
    `\n$ ${command}\n${output}\n`,
    `${reason} Mend what is wrong and hand in your result again. The command is then run once more.`,
  ].join('\n');
}
