// Commands as REST shows them.
import type { commandListQuery, Command, CommandPage } from '#protocol';
import type { z } from 'zod';
import type { CommandRecord } from './command.js';
import type { CommandsService } from './commands.service.js';

type CommandQuery = z.output<typeof commandListQuery>;

/** Records looked at for one page before it is given out short: a rare filter must not read the whole history at once. */
const lookedAtMax = 5_000;

export class CommandsView {
  constructor(private readonly commands: CommandsService) {}

  async get(commandId: string): Promise<Command> {
    return resourceOf(await this.commands.get(commandId));
  }

  /** `nextCursor` is there while more may follow, also when this page is short. */
  async page(query: CommandQuery): Promise<CommandPage> {
    const found: Command[] = [];
    let cursor = query.cursor;
    for (let looked = 0; looked < lookedAtMax;) {
      const rows = await this.commands.list(query.limit, cursor);
      for (const row of rows) {
        cursor = row.commandId;
        if (fits(row, query)) found.push(resourceOf(row));
        if (found.length === query.limit) return { commands: found, nextCursor: cursor };
      }
      if (rows.length < query.limit) return { commands: found };
      looked += rows.length;
    }
    return { commands: found, nextCursor: cursor };
  }
}

function fits(row: CommandRecord, { state, spoke, agentId }: CommandQuery): boolean {
  return (
    (state === undefined || row.state === state) &&
    (spoke === undefined || row.spoke === spoke) &&
    (agentId === undefined || row.agentId === agentId)
  );
}

const iso = (ms: number) => new Date(ms).toISOString();

function resourceOf({ commandId, op, spoke, agentId, state, actor, problem, ...row }: CommandRecord): Command {
  const times = { createdAt: iso(row.createdAtMs), expiresAt: iso(row.deadlineMs) };
  const answeredAtMs = state === 'timed_out' || row.held ? undefined : row.settledAtMs;
  const answeredAt = answeredAtMs === undefined ? undefined : iso(answeredAtMs);
  return { commandId, op, spoke, agentId, state, actor, ...times, answeredAt, problem };
}
