// The level `unshare`, by the contract of all; and what it lacks.
import { describe, expect, test } from '@jest/globals';
import { requirement } from '../../../../test/support/require.js';
import { calmContract } from './calm.contract.js';
import { escapeContract } from './escape.contract.js';
import { limitsContract } from './limits.contract.js';
import { sandboxContract } from './sandbox.contract.js';
import { stillnessContract } from './stillness.contract.js';
import { lookAt, Trial } from './trial.contract.js';

const { ok, reason, cure, enforceable } = await lookAt('unshare');

requirement(
  'unshare (util-linux)',
  ok,
  `${reason ?? ''} ${cure ?? ''}`,
)('the level `unshare` works on this machine', () => undefined);

const suite = ok ? describe : describe.skip;
suite('unshare: contract', () => sandboxContract('unshare', { walls: true }));
suite('unshare: stillness', () => stillnessContract('unshare'));
suite('unshare: calm', () => calmContract('unshare'));
suite('unshare: limits', () => limitsContract('unshare', enforceable.length === 4));
suite('unshare: escape', () => escapeContract('unshare'));

suite('what `unshare` lacks against `namespace`', () => {
  test('the agent is shown as root, no system call is filtered, there are no pseudo-terminals, and the first process keeps its capabilities', async () => {
    const trial = await Trial.open('unshare');
    const { out } = await trial.run(
      'id -u; test -e /dev/ptmx || echo no terminals; grep Seccomp: /proc/self/status; grep CapEff /proc/1/status',
    );
    await trial.close();
    expect(out.split('\n').slice(0, 3)).toEqual(['0', 'no terminals', 'Seccomp:\t0']);
    expect(out).not.toContain('CapEff:\t0000000000000000');
  });
});
