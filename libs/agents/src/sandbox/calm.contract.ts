// What every sandbox whose processes can be seen and cannot hide keeps when it says that nothing of an agent has run.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxLevel } from '#protocol';
import type { Calm } from './calm.js';
import { eventually, Trial } from './trial.contract.js';

const counter = `setsid sh -c 'i=0; while :; do i=$((i+1)); echo $i > one; done' >/dev/null 2>&1 &`;
const walk = `echo 'echo $$ > last; sh ./walk &' > walk; sh ./walk; until [ -s last ]; do :; done; sleep 300 &`;

export function calmContract(level: SandboxLevel): void {
  let trial: Trial;
  const calm = async (): Promise<Calm> => {
    let found: Calm | null = null;
    await eventually(async () => (found = await trial.sandbox.calm(trial.agentId)) !== null);
    return found as unknown as Calm;
  };

  beforeEach(async () => {
    trial = await Trial.open(level);
  });
  afterEach(() => trial.close());

  describe('an agent that is left alone', () => {
    test('is calm while all of it sleeps, and not any more once one of it has run, though it sleeps again', async () => {
      const running = await trial.launch('sleep 300 & while read line; do echo > "$line"; done');
      const first = await calm();
      expect(first.lasts()).toBe(true);
      running.stdin.write('heard\n');
      await eventually(() => existsSync(join(trial.work, 'heard')));
      expect(first.lasts()).toBe(false);
      const second = await calm();
      expect([first.lasts(), second.lasts()]).toEqual([false, true]);
      expect(await trial.sandbox.stop(trial.agentId, 0)).toBe(0);
      expect(second.lasts()).toBe(false);
      await running.end;
    });

    test.each([
      ['counts', counter],
      ['forks without end', walk],
    ])('is not calm while one of it %s', async (_what, script) => {
      await trial.ready(script);
      for (let look = 0; look < 5; look++) expect(await trial.sandbox.calm(trial.agentId)).toBeNull();
    });
  });
}
