// The figures of commands over a real outbox, with a spoke that answers when the test says.
import { expect, test } from '@jest/globals';
import { Metrics } from '#api';
import { openSqliteStore } from '#store';
import { until } from '../../../../test/support/until.js';
import { CommandCarrier, type Answer } from '../commands/carrier.js';
import { CommandsService } from '../commands/commands.service.js';
import { Outbox } from '../commands/outbox.js';
import { measureCommands } from './commands.js';

class Patient extends CommandCarrier {
  readonly answer = Promise.withResolvers<Answer>();

  override isReady(): boolean {
    return true;
  }

  override async ready(): Promise<void> {
    // It is.
  }

  override carry(): Promise<Answer> {
    return this.answer.promise;
  }
}

const order = (op: 'agent.kill' | 'agent.spawn') => ({
  ...{ op, connectionId: 'con', spoke: 'north', args: {}, ttlMs: 60_000 },
  actor: { kind: 'key', id: 'admin' } as const,
});

test('open commands are counted by operation with the age of the oldest, and their ends with the time they took', async () => {
  const store = await openSqliteStore({ path: ':memory:' });
  const [carrier, metrics] = [new Patient(), new Metrics()];
  let nowMs = Date.now();
  const commands = new CommandsService(new Outbox(store), carrier, undefined, () => nowMs);
  measureCommands(metrics, commands, () => nowMs);
  const killed = 'op="agent.kill",outcome="delivered"';
  expect(await metrics.text()).toContain(`writ_command_seconds_count{${killed}} 0\n`);
  expect(await metrics.text()).not.toMatch(/^writ_commands_open\{/m);

  await commands.execute(order('agent.kill'), 1);
  nowMs += 3_000;
  await commands.execute(order('agent.kill'), 1);
  await commands.execute(order('agent.spawn'), 1);
  nowMs += 4_000;
  const open = await metrics.text();
  expect(open).toContain('writ_commands_open{op="agent.kill"} 2\n');
  expect(open).toContain('writ_commands_open{op="agent.spawn"} 1\n');
  expect(open).toContain('writ_command_oldest_seconds{op="agent.kill"} 7\n');
  expect(open).toContain('writ_command_oldest_seconds{op="agent.spawn"} 4\n');

  carrier.answer.resolve({ st: 'ok', body: {} });
  await until('all have ended', () => Promise.resolve(commands.onTheirWay().length === 0));
  const over = await metrics.text();
  expect(over).not.toMatch(/^writ_commands_open\{/m);
  expect(over).toContain(`writ_command_seconds_count{${killed}} 2\n`);
  expect(over).toContain(`writ_command_seconds_sum{${killed}} 11\n`);
  expect(over).toContain('writ_command_seconds_count{op="agent.spawn",outcome="delivered"} 1\n');
  await commands.stop();
  await store.close();
});
