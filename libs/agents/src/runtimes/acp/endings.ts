// How a turn of an agent ends, in the machine's word and one sentence for people.
import { RequestError } from '@agentclientprotocol/sdk';
import type { ExitReason } from '#protocol';
import { redacted } from '../../lifecycle/redact.js';
import { LimitReached, type ModelTrouble } from '../runtime.js';
import { AgentBroke, TurnFailed } from './broken.js';

interface Ending {
  readonly exitReason: ExitReason;
  readonly failure: string;
}

const authRequired = -32_000;

const stopReasons: Readonly<Record<string, Ending>> = {
  cancelled: { exitReason: 'runtime_error', failure: 'The agent gave the turn up, though nobody had asked it to.' },
  max_tokens: { exitReason: 'model_error', failure: 'The agent reached the limit of tokens of its model.' },
  max_turn_requests: { exitReason: 'model_error', failure: 'The agent reached its own limit of requests in one turn.' },
  refusal: { exitReason: 'model_error', failure: 'The model refused the task.' },
};

/** @throws TurnFailed, AgentBroke for every reason but `end_turn` */
export function needEndOfTurn(stopReason: string): void {
  if (stopReason === 'end_turn') return;
  if (!Object.hasOwn(stopReasons, stopReason))
    throw new AgentBroke('The agent ended the turn with a reason that the protocol does not have.');
  const { exitReason, failure } = stopReasons[stopReason] as Ending;
  throw new TurnFailed(exitReason, failure);
}

/** An agent that failed after the model did is told to have failed by it. */
export function endingOf(error: unknown, trouble: ModelTrouble | undefined): Ending {
  if (error instanceof LimitReached) return { exitReason: error.exitReason, failure: error.message };
  const { exitReason, failure } = own(error);
  return trouble
    ? { exitReason: trouble.exitReason, failure: `${trouble.failure} ${failure}` }
    : { exitReason, failure };
}

function own(error: unknown): Ending {
  if (error instanceof TurnFailed) return { exitReason: error.exitReason, failure: error.message };
  if (error instanceof AgentBroke) return { exitReason: 'runtime_error', failure: error.message };
  if (error instanceof RequestError) return { exitReason: 'runtime_error', failure: refusal(error) };
  return { exitReason: 'runtime_error', failure: 'The agent could not be run; the log of the spoke has the cause.' };
}

function refusal({ code, message }: RequestError): string {
  if (code === authRequired)
    return 'The agent wants a login. Nobody can log in inside the sandbox: give its runtime `model`, or settings by which it needs none.';
  return `The agent refused what it was asked: ${redacted(message) || 'no reason given'} (${code}).`;
}
