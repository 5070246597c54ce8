import { expect, test } from '@jest/globals';
import { grant, namesNeeded, namesOfHub, namesOfSpoke, shownGrant, type Grant } from './index.js';

const agentId = '00000000-0000-8000-8000-00000000000a';
const name = /^[a-z][a-zA-Z.]{0,63}$/;

test('[F-4] a peer is asked for a bundle only when its hello names that, and for a diff as ever', () => {
  expect(namesNeeded('agent.artifact', { agentId, kind: 'diff' })).toEqual(['agent.artifact']);
  expect(namesNeeded('agent.artifact', { agentId, kind: 'bundle' })).toEqual([
    'agent.artifact',
    'agent.artifact.bundle',
  ]);
});

test('[F-4] an option of a spawn that came later is sent only to a spoke that names it', () => {
  expect(namesNeeded('agent.spawn', { options: { runtime: 'claude', model: undefined } })).toEqual(['agent.spawn']);
  expect(namesNeeded('agent.spawn', {})).toEqual(['agent.spawn']);
  expect(namesNeeded('agent.spawn', { options: { hologram: 1, later: undefined } })).toEqual([
    'agent.spawn',
    'agent.spawn.hologram',
  ]);
});

test('[F-4] a hub is shown of a grant what the first version had, and what it names', () => {
  const plain = grant.parse({ operations: ['agent.status'], push: ['writ/*'], gates: true, startsPerMinute: 3 });
  const later = { ...plain, hologram: ['x'] } as Grant;
  expect(shownGrant(plain, [])).toEqual(plain);
  expect(shownGrant(later, ['grant.holograms'])).toEqual(plain);
  expect(shownGrant(later, ['grant.hologram'])).toEqual(later);
});

test('every name can stand in a hello', () => {
  expect([...namesOfHub, ...namesOfSpoke].filter((one) => !name.test(one))).toEqual([]);
  expect(namesOfSpoke).toContain('agent.artifact.bundle');
});
