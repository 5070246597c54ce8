// What a handler, guard or interceptor of the federation sees of the command it is called for, beside its arguments.
import { BaseRpcContext } from '@nestjs/microservices';
import type { OperationName } from '#protocol';
import type { IncomingCommand } from '../session/command.js';

export class WritContext extends BaseRpcContext<[IncomingCommand]> {
  #grantVersion: number | undefined;

  constructor(command: IncomingCommand) {
    super([command]);
  }

  /** The command as it came: the exact message, its reference, the trace. */
  get command(): IncomingCommand {
    return this.args[0];
  }

  get connectionId(): string {
    return this.command.connectionId;
  }

  /** The instance id of the peer that signed it. */
  get peerId(): string {
    return this.command.peerId;
  }

  get op(): OperationName {
    return this.command.op as OperationName;
  }

  /** Names the effect; absent for queries. */
  get idk(): string | undefined {
    return this.command.idk;
  }

  /** Aborts when the session ends: nobody waits for the answer there any more. */
  get signal(): AbortSignal {
    return this.command.signal;
  }

  /** The version of the grant that decided: the guard sets it, the result names it. */
  get grantVersion(): number | undefined {
    return this.#grantVersion;
  }

  decidedBy(grantVersion: number): void {
    this.#grantVersion = grantVersion;
  }
}
