// The signed operations, one line each: whoever gets here is verified, and the grant has allowed it.
import { Controller } from '@nestjs/common';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';
import type { OperationArgs } from '#protocol';
import { WritContext } from '#federation';
import { Inbox } from './inbox.js';

@Controller()
export class AgentsController {
  constructor(private readonly inbox: Inbox) {}

  @MessagePattern('agent.spawn')
  spawn(@Payload() args: OperationArgs<'agent.spawn'>, @Ctx() sender: WritContext) {
    return this.inbox.spawn(args, sender);
  }

  @MessagePattern('agent.status')
  status(@Payload() args: OperationArgs<'agent.status'>, @Ctx() sender: WritContext) {
    return this.inbox.status(args, sender);
  }

  @MessagePattern('agent.list')
  list(@Payload() args: OperationArgs<'agent.list'>, @Ctx() sender: WritContext) {
    return this.inbox.list(args, sender);
  }

  @MessagePattern('agent.output')
  output(@Payload() args: OperationArgs<'agent.output'>, @Ctx() sender: WritContext) {
    return this.inbox.output(args, sender);
  }

  @MessagePattern('agent.artifact')
  artifact(@Payload() args: OperationArgs<'agent.artifact'>, @Ctx() sender: WritContext) {
    return this.inbox.artifact(args, sender);
  }

  @MessagePattern('agent.send')
  send(@Payload() args: OperationArgs<'agent.send'>, @Ctx() sender: WritContext) {
    return this.inbox.send(args, sender);
  }

  @MessagePattern('agent.checkpoints')
  checkpoints(@Payload() args: OperationArgs<'agent.checkpoints'>, @Ctx() sender: WritContext) {
    return this.inbox.checkpoints(args, sender);
  }

  @MessagePattern('agent.restore')
  restore(@Payload() args: OperationArgs<'agent.restore'>, @Ctx() sender: WritContext) {
    return this.inbox.restore(args, sender);
  }

  @MessagePattern('agent.close')
  close(@Payload() args: OperationArgs<'agent.close'>, @Ctx() sender: WritContext) {
    return this.inbox.close(args, sender);
  }

  @MessagePattern('agent.kill')
  kill(@Payload() args: OperationArgs<'agent.kill'>, @Ctx() sender: WritContext) {
    return this.inbox.kill(args, sender);
  }

  @MessagePattern('agents.kill')
  killAll(@Payload() args: OperationArgs<'agents.kill'>, @Ctx() sender: WritContext) {
    return this.inbox.killAll(args, sender);
  }

  @MessagePattern('agents.resume')
  resume(@Payload() args: OperationArgs<'agents.resume'>, @Ctx() sender: WritContext) {
    return this.inbox.resume(args, sender);
  }

  @MessagePattern('instance.info')
  info(@Payload() args: OperationArgs<'instance.info'>, @Ctx() sender: WritContext) {
    return this.inbox.info(args, sender);
  }
}
