// The operations of A2A 1.0 by the names of its JSON-RPC binding; HTTP+JSON has the same by its paths.
import { isTerminal, WritError } from '#protocol';
import { z } from 'zod';
import { refuseRole } from '../keys/roles.js';
import { validated } from '../requests/validation.js';
import { refusal } from './errors.js';
import { listTasks } from './listing.js';
import type { Notifier } from './notifier.js';
import { Asked, operation, type Answered, type Asking, type Operation } from './operation.js';
import {
  getRequest,
  listRequest,
  pushCreateRequest,
  pushListRequest,
  pushRequest,
  sendRequest,
  taskRequest,
  type PushConfigIn,
} from './requests.js';
import { send, sendStream } from './sending.js';
import { endOf, taskOfOrder, taskSeen } from './ordered.js';
import { wholeTask } from './tasks.js';
import { followedFrom, updates, whenEnded } from './updates.js';
import type { StreamResponse } from './wire.js';

/** How long a cancellation waits for the spoke's word that nothing lives, in milliseconds. */
const killWaitMs = 60_000;
const reason = 'cancelled over A2A';

export const operations = {
  SendMessage: operation({ role: 'operator', input: sendRequest, run: send }),
  SendStreamingMessage: operation({ role: 'operator', input: sendRequest, run: sendStream }),
  GetTask: operation({
    ...{ role: 'viewer', input: getRequest },
    run: (asked, { id, historyLength }) => asked.whole(id, historyLength),
  }),
  ListTasks: operation({ role: 'viewer', input: listRequest, run: listTasks }),
  CancelTask: operation({ role: 'operator', input: taskRequest, isUnlimited: true, run: cancel }),
  SubscribeToTask: operation({ role: 'viewer', input: taskRequest, run: subscribe }),
  CreateTaskPushNotificationConfig: operation({
    ...{ role: 'operator', input: pushCreateRequest },
    run: createPush,
  }),
  GetTaskPushNotificationConfig: operation({
    ...{ role: 'viewer', input: pushRequest },
    run: async (asked, { taskId, id }) => (await pushesOf(asked, taskId)).get(taskId, id),
  }),
  ListTaskPushNotificationConfigs: operation({
    ...{ role: 'viewer', input: pushListRequest },
    run: async (asked, { taskId }) => ({
      configs: await (await pushesOf(asked, taskId)).list(taskId),
      nextPageToken: '',
    }),
  }),
  DeleteTaskPushNotificationConfig: operation({
    ...{ role: 'operator', input: pushRequest },
    run: async (asked, { taskId, id }) => {
      await (await pushesOf(asked, taskId)).remove(taskId, id);
      return {};
    },
  }),
  GetExtendedAgentCard: operation({
    ...{ role: 'viewer', input: z.object({}) },
    run: () => {
      throw refusal('UNSUPPORTED_OPERATION', 'operation_unknown', 'There is no card beyond the public one.');
    },
  }),
} as const satisfies Record<string, Operation>;
export type OperationName = keyof typeof operations;

/** One operation, as whichever binding asks for it. @throws what `told` tells of */
export async function perform(name: OperationName, asking: Asking, params: unknown): Promise<Answered> {
  const { role, input, run }: Operation = operations[name];
  refuseRole(asking.caller, role);
  return run(new Asked(asking), await validated(input, params, { whole: 'params' }));
}

async function createPush(asked: Asked, config: PushConfigIn & { readonly taskId: string }) {
  const { notifier, gateway } = asked;
  const cursor = await gateway.eventsEnd();
  const { agentId: taskId, taskId: contextId, state } = await asked.find(config.taskId);
  return notifier.add({ taskId, contextId, cursor, isOver: isTerminal(state) }, config);
}

async function pushesOf(asked: Asked, taskId: string): Promise<Notifier> {
  const { notifier } = asked;
  await asked.find(taskId);
  return notifier;
}

/** Answers when a last look found nothing alive. */
async function cancel(asked: Asked, { id }: { readonly id: string }) {
  const { gateway, caller, signal } = asked;
  const seen = await asked.look(id);
  const ended = endOf(seen);
  if (ended) throw refusal('TASK_NOT_CANCELABLE', 'invalid_transition', `The task is over: the agent has ${ended}.`);
  const { report, pending } = await gateway.kill(caller, id, reason, killWaitMs);
  const order = await gateway.ordered(id);
  if (order?.state === 'failed') return taskOfOrder(order);
  const [waiting] = pending;
  if (waiting)
    throw new WritError('timed_out', `The kill is on its way to ${waiting.spoke} as command ${waiting.commandId}.`);
  const [failed] = report.failed;
  if (failed || report.survivors > 0) throw new WritError('timed_out', failed?.reason ?? 'Some of it lives still.');
  return wholeTask(gateway, (await whenEnded(gateway, id, signal)) ?? (await gateway.get(id)));
}

async function subscribe(asked: Asked, { id }: { readonly id: string }) {
  const cursor = await asked.gateway.eventsEnd();
  const seen = await asked.look(id);
  const ended = endOf(seen);
  if (ended) throw refusal('UNSUPPORTED_OPERATION', 'invalid_transition', `The task is over: the agent has ${ended}.`);
  return {
    async *stream(signal: AbortSignal): AsyncGenerator<StreamResponse> {
      yield { task: taskSeen(seen) };
      yield* updates(followedFrom(asked.gateway, seen, cursor), signal);
    },
  };
}
