// Asked for every command after its shape and before its handler: does the grant of this connection allow it?
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { permits, WritError, type OperationArgs } from '#protocol';
import type { WritContext } from '#federation';
import { denied } from './denied.js';
import type { GrantsService, HeldGrant } from './grants.service.js';

export class GrantGuard implements CanActivate {
  constructor(private readonly grants: GrantsService) {}

  /** A grant that is known is judged at once: a status query is answered without a turn of the event loop. @throws WritError `grant_denied` */
  canActivate(execution: ExecutionContext): boolean | Promise<boolean> {
    const rpc = execution.switchToRpc();
    const context = rpc.getContext<WritContext>();
    const known = this.grants.known(context.connectionId);
    if (known) return judge(known, context, rpc.getData());
    return this.grants.find(context.connectionId).then((held) => judge(held, context, rpc.getData()));
  }
}

function judge(held: HeldGrant | undefined, context: WritContext, args: OperationArgs<typeof context.op>): boolean {
  if (!held) throw new WritError('grant_denied', 'This connection has no grant yet.');
  context.decidedBy(held.version);
  const verdict = permits(held.grant, context.op, args);
  if (!verdict.ok) throw denied(verdict);
  return true;
}
