// What every sandbox keeps when it is told to hold an agent still: nothing of it writes, and afterwards it goes on as if nothing had been.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxLevel } from '#protocol';
import { requirement } from '../../../../test/support/require.js';
import { eventually, Trial } from './trial.contract.js';

/** A process of its own that counts in a file, as fast as it can. */
const counter = (name: string) =>
  `setsid sh -c 'i=0; while :; do i=$((i+1)); echo $i > ${name}; done' >/dev/null 2>&1 &`;
/** The first thread is gone, another one writes. */
const headless = `
import ctypes, threading
def run():
  i = 0
  while True:
    i += 1
    open('headless', 'w').write(str(i))
threading.Thread(target=run).start()
ctypes.CDLL(None).pthread_exit(None)`;

export function stillnessContract(level: SandboxLevel): void {
  let trial: Trial;
  const written = (name: string) =>
    existsSync(join(trial.work, name)) ? readFileSync(join(trial.work, name), 'utf8') : '';
  const goesOn = async (name: string) => {
    const before = written(name);
    await eventually(() => written(name) !== before && written(name) !== '');
  };

  beforeEach(async () => {
    trial = await Trial.open(level);
  });
  afterEach(() => trial.close());

  describe('an agent that is held still', () => {
    test('writes nothing, whatever it is made of, and goes on when it is let go', async () => {
      const running = await trial.ready(
        `${counter('one')}\n(${counter('two')})\nuntil [ -s one ] && [ -s two ]; do :; done`,
      );
      const hold = await trial.sandbox.hold(trial.agentId);
      expect(hold).not.toBeNull();
      const before = [written('one'), written('two')];
      await sleep(100);
      expect([written('one'), written('two')]).toEqual(before);
      expect(await hold?.isStill()).toBe(true);
      await hold?.release();
      await goesOn('one');
      await goesOn('two');
      expect(await hold?.isStill()).toBe(false);
      expect(await trial.sandbox.stop(trial.agentId, 0)).toBe(0);
      await running.end;
    });

    test('[K-8] ends when it is stopped all the same, also by another life of the spoke', async () => {
      const running = await trial.ready(counter('one'));
      expect(await trial.sandbox.hold(trial.agentId)).not.toBeNull();
      const next = await trial.reopen(level);
      expect(await next.stop(trial.agentId, 100)).toBe(0);
      expect(await next.survivors(trial.agentId)).toBe(0);
      await running.end;
    });

    test('and forks without end is either still or said not to be', async () => {
      await trial.ready(
        `echo 'echo $$ > last; sh ./walk &' > walk; sh ./walk; until [ -s last ]; do :; done; sleep 300 &`,
      );
      const hold = await trial.sandbox.hold(trial.agentId);
      const before = written('last');
      await sleep(100);
      const isStill = (await hold?.isStill()) ?? false;
      if (isStill) expect(written('last')).toBe(before);
      await hold?.release();
      await goesOn('last');
    });

    test('with nothing alive is still from the beginning', async () => {
      const hold = await trial.sandbox.hold(trial.agentId);
      expect(await hold?.isStill()).toBe(true);
      await hold?.release();
    });
  });

  if (level === 'docker') return;

  const withPython = requirement('python3', existsSync('/usr/bin/python3'), '`apt-get install python3`');
  withPython('[K-8] a process whose first thread has ended counts, is held still and is ended', async () => {
    await trial.ready(`/usr/bin/python3 -c "${headless}" & until [ -s headless ]; do :; done; sleep 0.2`);
    expect(await trial.sandbox.survivors(trial.agentId)).toBeGreaterThan(0);
    const hold = await trial.sandbox.hold(trial.agentId);
    const before = written('headless');
    await sleep(100);
    expect(written('headless')).toBe(before);
    expect(await hold?.isStill()).toBe(true);
    await hold?.release();
    await goesOn('headless');
    expect(await trial.sandbox.stop(trial.agentId, 0)).toBe(0);
  });
}
