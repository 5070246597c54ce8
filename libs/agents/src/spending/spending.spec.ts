import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { noUsage, type Limits } from '#protocol';
import { cleaned, eventually, peer, Room, type RoomOptions } from '../../../../test/support/agents.js';
import type { LocalAgents } from '../local.js';
import { EventMint } from '../lifecycle/events.js';
import { Ledger } from '../lifecycle/ledger.js';
import { Register } from '../lifecycle/register.js';
import { Meter } from '../spawner/meter.js';
import type { Allowance, Budget } from './options.js';
import { Treasury } from './treasury.js';

const noon = Date.parse('2026-11-21T12:00:00Z');
const dayMs = 86_400_000;

describe('spending', () => {
  let room: Room;
  let agents: LocalAgents;
  let nowMs: number;
  const allowances = new Map<string, Allowance>();
  beforeEach(async () => {
    room = await Room.make();
    nowMs = noon;
    allowances.clear();
  });
  afterEach(() => room.close());

  const open = async (budget: Partial<Budget> = {}, more: RoomOptions = {}) => {
    const spending = { budget, allowance: (owner: string) => allowances.get(owner), now: () => nowMs };
    agents = await room.open({ spending, ...more });
  };
  const spawn = (script: string, owner = 'local', limits?: Limits) =>
    agents.spawn(room.request(script, { owner, limits, ...(owner === 'local' ? {} : { actor: peer }) }));
  const play = async (script: string, owner?: string, limits?: Limits) =>
    cleaned(agents, (await spawn(script, owner, limits)).agentId);
  const refusal = (spawned: Promise<unknown>) =>
    spawned.then(
      () => 'accepted',
      (error: unknown) => error,
    );
  const using = (tokens: number, money = 0) => `echo 'usage {"inputTokens":${tokens},"moneyMicroUsd":${money}}'`;
  const today = (by: 'owner' | 'repository' | 'day' = 'owner') =>
    agents.usage({ from: '2026-11-21', to: '2026-11-21', by });

  describe('the books', () => {
    test('[O-3] agents, turns, tokens, money and wall time are counted by owner, repository and day', async () => {
      await open();
      await play(`echo turn; ${using(10, 7)}`);
      await play(using(5), 'con-1');
      nowMs += dayMs;
      await play(using(1));
      expect(await today()).toMatchObject([
        { key: 'con-1', agents: 1, usage: { inputTokens: 5 } },
        { key: 'local', agents: 1, usage: { turns: 1, inputTokens: 10, moneyMicroUsd: 7 } },
      ]);
      expect(await today('repository')).toMatchObject([{ key: room.repository, agents: 2 }]);
      const days = await agents.usage({ from: '2026-11-20', to: '2026-11-22', by: 'day' });
      expect(days.map(({ key, usage }) => [key, usage.inputTokens])).toEqual([
        ['2026-11-21', 15],
        ['2026-11-22', 1],
      ]);
    });

    test('[O-3] wall time is counted on the day of the end', async () => {
      await open();
      const { agentId } = await spawn('echo up; sleep 60');
      nowMs += 5_000;
      await agents.kill(agentId, peer, 'enough');
      expect((await today())[0]?.wallMs).toBe(5_000);
    });

    test('[O-3] what was spent is still spent after a restart, for limits and books alike', async () => {
      await open({ tokensPerDayMax: 100 });
      await play(using(100));
      const before = await today();
      await agents.close();
      await open({ tokensPerDayMax: 100 });
      expect(await today()).toEqual(before);
      expect(await refusal(spawn('true'))).toMatchObject({ code: 'capacity' });
    });

    test('[O-3] a new day begins anew, and a clock that is set back finds what was spent', async () => {
      await open({ tokensPerDayMax: 100 });
      await play(using(100));
      nowMs += dayMs;
      await play('true');
      nowMs -= dayMs;
      expect(await refusal(spawn('true'))).toMatchObject({ code: 'capacity' });
    });

    test.each([
      [{ from: '2026-11-22', to: '2026-11-21' }, 'from'],
      [{ from: '2020-01-01', to: '2026-11-21' }, 'to'],
    ])('a range that is none is refused by name: %j', async (range, field) => {
      await open();
      await expect(agents.usage({ ...range, by: 'day' })).rejects.toMatchObject({ code: 'invalid_request', field });
    });
  });

  describe('limits of a grant', () => {
    test('[S-1] [O-3] of many spawns at once as many pass as the day still allows, and the rest hear the rule', async () => {
      await open();
      allowances.set('con-1', { perDay: { agents: 3 } });
      const ends = await Promise.all(Array.from({ length: 10 }, () => refusal(spawn('true', 'con-1'))));
      expect(ends.filter((end) => end === 'accepted')).toHaveLength(3);
      const denied = ends.find((end) => end !== 'accepted');
      expect(denied).toMatchObject({ code: 'grant_denied', field: 'perDay.agents' });
      expect(denied).toHaveProperty('detail', expect.stringContaining('0 to 3 a day (UTC)'));
      expect(await refusal(spawn('true', 'con-2'))).toBe('accepted');
    });

    test('[S-1] starts are counted over any 60 seconds', async () => {
      await open();
      allowances.set('con-1', { startsPerMinute: 2 });
      await spawn('true', 'con-1');
      nowMs += 30_000;
      await spawn('true', 'con-1');
      expect(await refusal(spawn('true', 'con-1'))).toMatchObject({ code: 'grant_denied', field: 'startsPerMinute' });
      nowMs += 31_000;
      expect(await refusal(spawn('true', 'con-1'))).toBe('accepted');
      expect(await refusal(spawn('true', 'con-1'))).toMatchObject({ field: 'startsPerMinute' });
    });

    test('[O-3] a running agent begins no turn beyond the day of its grant, also when that was narrowed meanwhile', async () => {
      await open();
      allowances.set('con-1', { perDay: { tokens: 1_000 } });
      const { agentId } = await spawn(`${using(60)}; while :; do echo turn; sleep 0.05; done`, 'con-1');
      const other = await spawn('sleep 60', 'con-2');
      await eventually(
        () => agents.get(agentId),
        ({ usage }) => usage.turns > 1,
      );
      allowances.set('con-1', { perDay: { tokens: 60 } });
      const ended = await cleaned(agents, agentId);
      expect(ended).toMatchObject({ state: 'failed', exitReason: 'tokens', usage: { inputTokens: 60 } });
      expect(ended.reason).toContain('perDay.tokens');
      expect((await agents.get(other.agentId)).state).not.toBe('failed');
    });
  });

  describe('the budget of the spoke', () => {
    test('[F-12] a hub hears that there is no place, and nothing of what others have used', async () => {
      await open({ tokensPerDayMax: 4_321 });
      await play(using(4_321));
      const told = await refusal(spawn('true', 'con-1'));
      expect(told).toMatchObject({ code: 'capacity' });
      expect(JSON.stringify(told)).not.toMatch(/4.?321|token/);
      expect(JSON.stringify(await refusal(spawn('true')))).toContain('4321');
    });

    test('[S-1] hubs together leave the local share of places free', async () => {
      await open({ localSharePercent: 50 }, { options: { agentsMax: 4 } });
      expect(await agents.free('con-1')).toBe(2);
      await spawn('sleep 60', 'con-1');
      await spawn('sleep 60', 'con-2');
      expect(await refusal(spawn('true', 'con-3'))).toMatchObject({ code: 'capacity' });
      // What others take is theirs to know: [F-12]
      expect(await Promise.all(['con-3', 'con-2', 'local'].map((owner) => agents.free(owner)))).toEqual([2, 1, 2]);
      expect(await refusal(spawn('sleep 60'))).toBe('accepted');
      expect(await refusal(spawn('sleep 60'))).toBe('accepted');
      expect(await refusal(spawn('true'))).toMatchObject({ code: 'capacity' });
    });

    test('[O-3] of tokens, money and starts too a share is kept for the spoke’s own people', async () => {
      await open({ moneyMicroUsdPerDayMax: 1_000, startsPerMinuteMax: 10, localSharePercent: 60 });
      await play(using(1, 400), 'con-1');
      expect(await refusal(spawn('true', 'con-2'))).toMatchObject({ code: 'capacity' });
      expect(await refusal(spawn('true'))).toBe('accepted');
      nowMs += dayMs;
      for (let n = 0; n < 4; n++) await play('true', 'con-1');
      expect(await refusal(spawn('true', 'con-1'))).toMatchObject({ code: 'capacity', retryAfterMs: 60_000 });
      expect(await refusal(spawn('true'))).toBe('accepted');
    });

    test('[O-3] a turn beyond the money of the day is not begun', async () => {
      await open({ moneyMicroUsdPerDayMax: 500 });
      const ended = await play(`${using(1, 500)}; echo turn; sleep 60`, 'con-1');
      expect(ended).toMatchObject({ state: 'failed', exitReason: 'money', usage: { turns: 0 } });
      expect(ended.reason).not.toMatch(/500/);
    });
  });

  describe('reservations', () => {
    const meterOf = (agentId: string, owner: string, ledger: Ledger, budget: Partial<Budget> = {}) => {
      const register = new Register(room.store, ledger);
      const whole = { localSharePercent: 0, ...budget };
      const treasury = new Treasury(ledger, whole, (one) => allowances.get(one));
      const stops: string[] = [];
      const mint = new EventMint('spoke', () => nowMs);
      const stop = ({ exitReason }: { exitReason: string }) => void stops.push(exitReason);
      return { meter: new Meter({ agentId, owner, register, mint, treasury, stop }), stops };
    };
    const reserving = (meter: Meter, tokens: number) =>
      meter
        .reserve(() => ({ tokens, moneyMicroUsd: 0 }))
        .catch((error: unknown) => (error as { exitReason?: string }).exitReason);

    test.each<[string, Limits | undefined, Partial<Budget>, Allowance | undefined]>([
      ['the agent', { tokensMax: 100 }, {}, undefined],
      ['the grant', undefined, {}, { perDay: { tokens: 100 } }],
      ['the spoke', undefined, { tokensPerDayMax: 100 }, undefined],
    ])('[O-3] requests at once cannot together pass the limit of %s', async (_whose, limits, budget, allowance) => {
      await open();
      if (allowance) allowances.set('con-1', allowance);
      const { agentId } = await spawn('sleep 60', 'con-1', limits);
      const { meter } = meterOf(agentId, 'con-1', new Ledger(room.store, () => nowMs), budget);
      const all = await Promise.all(Array.from({ length: 10 }, () => reserving(meter, 30)));
      const passed = all.filter((one) => typeof one === 'object');
      expect(passed).toHaveLength(3);
      expect(all.filter((one) => one === 'tokens')).toHaveLength(7);
      await passed[0]!.settle({ ...noUsage, turns: 1, outputTokens: 10 });
      expect(await reserving(meter, 31)).toBe('tokens');
      expect(await reserving(meter, 30)).toBeInstanceOf(Object);
      expect((await agents.get(agentId)).usage.outputTokens).toBe(10);
    });

    test('[O-3] a turn under way is a turn', async () => {
      await open();
      const { agentId } = await spawn('sleep 60', 'local', { turnsMax: 2 });
      const { meter } = meterOf(agentId, 'local', new Ledger(room.store, () => nowMs));
      const all = await Promise.all([1, 2, 3].map(() => reserving(meter, 1)));
      expect(all.filter((one) => one === 'turns')).toHaveLength(1);
    });

    test('[O-3] replicas count one day together', async () => {
      await open();
      const { agentId } = await spawn('sleep 60');
      const meters = [1, 2].map(
        () => meterOf(agentId, 'local', new Ledger(room.store, () => nowMs), { tokensPerDayMax: 100 }).meter,
      );
      for (let n = 0; n < 10; n++) await meters[n % 2]!.record({ ...noUsage, inputTokens: 10 });
      expect(await Promise.all(meters.map((meter) => reserving(meter, 1)))).toEqual(['tokens', 'tokens']);
      expect((await today())[0]?.usage.inputTokens).toBe(100);
    });
  });
});
