// Orders of the hub's people to one spoke, followed until it answered or the caller's patience ended.
import type { Connection } from '#federation';
import type { CommandRecord } from '../commands/command.js';
import type { CommandsService, Order } from '../commands/commands.service.js';
import { notRefused } from './outcome.js';

/** An order without its receiver. */
export type Given = Omit<Order, 'connectionId' | 'spoke'>;

export class Orders {
  constructor(private readonly commands: CommandsService) {}

  /** Delivered, or still on its way. @throws WritError with the spoke's own code when it refused */
  async give(connection: Connection, order: Given, waitMs: number): Promise<CommandRecord> {
    return notRefused(await this.send(connection, order, waitMs));
  }

  /** As `give`, with a refusal as a record. */
  send({ id, peer }: Connection, order: Given, waitMs: number): Promise<CommandRecord> {
    return this.commands.execute({ ...order, connectionId: id, spoke: peer.name }, waitMs);
  }
}
