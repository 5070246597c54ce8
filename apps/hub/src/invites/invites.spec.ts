import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Acts } from '#api';
import { Invites } from '#federation';
import { decodeInvite } from '#protocol';
import { ChainedLog, openStore, type Store } from '#store';
import { InvitesService } from './invites.service.js';

const actor = { kind: 'key', id: 'operator' } as const;
const wish = { expiresInS: 900, unattended: false };
let store: Store;
beforeEach(async () => {
  store = await openStore({ path: ':memory:', prefix: 'test' });
});
afterEach(() => store.close());

function service(broker: string | undefined): InvitesService {
  const acts = new Acts(new ChainedLog(store, ['hub', 'acts']));
  const self = { name: 'central', url: () => 'https://hub.example', broker };
  return new InvitesService(new Invites(store, 'H'.repeat(42) + 'A'), acts, self);
}

test('an invite names the broker when that is wished, and only then', async () => {
  const invites = service('tls://broker.example:4222');
  expect(decodeInvite((await invites.create({ ...wish, broker: true }, actor)).invite).broker).toBe(
    'tls://broker.example:4222',
  );
  expect(decodeInvite((await invites.create({ ...wish, broker: false }, actor)).invite)).not.toHaveProperty('broker');
});

test('a hub without a broker refuses to invite to one, and keeps nothing', async () => {
  const invites = service(undefined);
  const refused = invites.create({ ...wish, broker: true }, actor);
  await expect(refused).rejects.toMatchObject({ code: 'invalid_request', field: 'broker' });
  expect((await invites.list()).invites).toEqual([]);
});
