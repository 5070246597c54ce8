// Commands that wait for their spoke: released one commit each when it is there, kills before everything else. What has not been
// released was never signed, and whoever reads the record knows it, also after a crash.
import { operation } from '#protocol';
import type { CommandRecord } from './command.js';
import type { CommandCarrier } from './carrier.js';
import type { Outbox } from './outbox.js';

export class Departures {
  /** Kills that have not left yet, by connection. */
  private readonly kills = new Map<string, Set<Promise<unknown>>>();

  constructor(
    private readonly outbox: Pick<Outbox, 'release'>,
    private readonly carrier: Pick<CommandCarrier, 'ready'>,
  ) {}

  /** Resolves with the command when it may be sent, with its end when something else came first; as it was with the signal. */
  leave(command: CommandRecord, signal: AbortSignal): Promise<CommandRecord> {
    if (!command.held) return Promise.resolve(command);
    const leaving = this.released(command, signal);
    if (isKill(command)) this.noted(command.connectionId, leaving);
    return leaving;
  }

  private async released(command: CommandRecord, signal: AbortSignal): Promise<CommandRecord> {
    const { connectionId, commandId } = command;
    await this.carrier.ready(connectionId, signal);
    if (!isKill(command)) await Promise.allSettled([...(this.kills.get(connectionId) ?? [])]);
    return signal.aborted ? command : this.outbox.release(commandId);
  }

  private noted(connectionId: string, leaving: Promise<unknown>): void {
    const kills = this.kills.get(connectionId) ?? new Set();
    this.kills.set(connectionId, kills.add(leaving));
    const left = (): void => {
      kills.delete(leaving);
      if (kills.size === 0 && this.kills.get(connectionId) === kills) this.kills.delete(connectionId);
    };
    leaving.then(left, left);
  }
}

function isKill({ op }: CommandRecord): boolean {
  return operation(op)?.kind === 'kill';
}
