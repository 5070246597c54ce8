// What every runtime owes its host, whatever it runs: an outcome for every end, the signal first, output in order.
import { describe, expect, test } from '@jest/globals';
import { agentResult, WritError } from '#protocol';
import type { AgentMachine, MachineOptions } from '../../../../test/support/agent-machine.js';
import { LimitReached, type AgentTask, type Runtime } from './runtime.js';

/** `quick` says "one" and then "two" and finishes; `endless` says "one" and goes on until it is stopped. */
export type Part = 'quick' | 'endless';

export interface Stage {
  readonly runtime: Runtime;
  readonly task: AgentTask;
  readonly machine: AgentMachine;
}

/** The stage is cleared by the adapter's own spec after each test. */
export function runtimeContract(set: (part: Part, options?: Partial<MachineOptions>) => Promise<Stage>): void {
  describe('as a runtime', () => {
    test('a run that finishes leaves a result of the protocol, and its output in order', async () => {
      const { runtime, task, machine } = await set('quick');
      const outcome = await runtime.run(task, machine);
      expect(outcome.exitReason).toBe('finished');
      expect(outcome.failure).toBeUndefined();
      expect(agentResult.safeParse(outcome.result).error).toBeUndefined();
      expect(machine.said).toMatch(/one[\s\S]*two/);
    });

    test('the signal ends it soon, and nothing is left', async () => {
      const { runtime, task, machine } = await set('endless');
      const running = runtime.run(task, machine);
      await machine.until('one');
      machine.abort();
      expect(await running).toMatchObject({ exitReason: 'killed' });
      expect(await machine.close()).toBe(0);
    });

    test('a signal that came first lets nothing start', async () => {
      const { runtime, task, machine } = await set('endless');
      machine.abort();
      expect(await runtime.run(task, machine)).toMatchObject({ exitReason: 'killed' });
      expect(await machine.close()).toBe(0);
    });

    test('a sandbox that cannot be made is thrown through, as it was said', async () => {
      const refuseLaunch = new WritError('sandbox_unavailable', 'There is no sandbox here.');
      const { runtime, task, machine } = await set('quick', { refuseLaunch });
      await expect(runtime.run(task, machine)).rejects.toBe(refuseLaunch);
    });

    test('output above its limit ends the run with that reason', async () => {
      const { runtime, task, machine } = await set('endless', { refuseOutput: new LimitReached('output') });
      expect(await runtime.run(task, machine)).toMatchObject({ exitReason: 'output' });
    });
  });
}
