// Which commands have to pass for an agent, and how each is run: in its sandbox, on its files, one after the other, up to the
// first that does not. They can do no more than the agent itself.
import { compilePattern, WritError, type GateReport } from '#protocol';
import type { AgentRecord } from '../lifecycle/record.js';
import { environment } from '../runtimes/inside.js';
import type { ProcessEnd, SandboxProcess } from '../sandbox/sandbox.js';
import type { ReviewOptions } from './options.js';
import { Tail } from './tail.js';

export type Argv = readonly [string, ...string[]];

export interface GatesParts {
  readonly commands: readonly Argv[];
  readonly gateMs: number;
  readonly signal: AbortSignal;
  /** Aborting the signal ends that launch alone. */
  readonly launch: (argv: Argv, env: Readonly<Record<string, string>>, signal: AbortSignal) => Promise<SandboxProcess>;
  /** Ends what else the agent has running, where a sandbox takes one program at a time. */
  readonly makeRoom: () => Promise<void>;
  readonly output: (text: string) => Promise<void>;
}

const commandCharactersMax = 200;

/** The spoke's own of every entry that matches, then the caller's: nothing takes one away. */
export function gatesFor({ gates }: ReviewOptions, { agentType, context, options }: AgentRecord): readonly Argv[] {
  const matching = gates.filter(
    ({ repositories, agentTypes }) =>
      agentTypes.includes(agentType) && repositories.some((one) => compilePattern(one)(context.repository)),
  );
  return [...matching.flatMap(({ commands }) => commands), ...(options.gates ?? [])];
}

export class Gates {
  constructor(private readonly parts: GatesParts) {}

  get isEmpty(): boolean {
    return this.parts.commands.length === 0;
  }

  /** Reports up to the first that did not pass. @throws what the sandbox throws when it cannot be made, or the signal's reason. */
  async run(): Promise<readonly GateReport[]> {
    const reports: GateReport[] = [];
    for (const argv of this.parts.commands) {
      const report = await this.one(argv);
      reports.push(report);
      await this.parts.output(`[writ] gate ${report.command}: ${report.passed ? 'passed' : 'did not pass'}\n`);
      if (!report.passed) break;
    }
    return reports;
  }

  /** Its time runs from its start: what a sandbox takes to be made is not its fault. */
  private async one(argv: Argv): Promise<GateReport> {
    const { gateMs, signal } = this.parts;
    const late = new AbortController();
    const process = await this.started(argv, AbortSignal.any([signal, late.signal]));
    const timer = setTimeout(() => late.abort(), gateMs);
    try {
      process.stdin.on('error', () => undefined).end();
      const tail = new Tail();
      const [end] = await Promise.all([process.end, tail.take(process.stdout), tail.take(process.stderr)]);
      signal.throwIfAborted();
      return reportOf(argv, end, tail, late.signal.aborted ? gateMs : undefined);
    } finally {
      clearTimeout(timer);
    }
  }

  private async started(argv: Argv, signal: AbortSignal): Promise<SandboxProcess> {
    const { launch, makeRoom } = this.parts;
    try {
      return await launch(argv, environment, signal);
    } catch (error) {
      if (!(error instanceof WritError) || error.code !== 'limit_unenforceable') throw error;
      await makeRoom();
      return launch(argv, environment, signal);
    }
  }
}

function reportOf(argv: Argv, { code, signal }: ProcessEnd, tail: Tail, lateMs: number | undefined): GateReport {
  const whole = argv.join(' ').replace(/[^\x20-\x7e\u00a1-\uffff]/g, ' ');
  const command = whole.length > commandCharactersMax ? `${whole.slice(0, commandCharactersMax - 1)}…` : whole;
  const exitCode = code === null ? {} : { exitCode: code };
  if (code === 0 && lateMs === undefined) return { command, passed: true, ...exitCode };
  const ended = code === null ? `It was ended by ${signal ?? 'a signal'}.` : `It ended with code ${code}.`;
  const reason = lateMs === undefined ? ended : `It took longer than ${lateMs} ms.`;
  return { command, passed: false, ...exitCode, reason, output: tail.text };
}
