// SendMessage and its stream: a message spawns an agent, or is a further turn of a session. Repeating it is no second one: its id is
// the idempotency key.
import { isTerminal, WritError, type AgentResource } from '#protocol';
import type { PendingCommand } from '../gateway.js';
import { refusal } from './errors.js';
import { spawnOf, turnOf } from './messages.js';
import type { PushPlace } from './notifier.js';
import type { Asked } from './operation.js';
import type { MessageIn, PushConfigIn, SendIn } from './requests.js';
import { standingOf } from './states.js';
import { taskSeen } from './ordered.js';
import { statusOf, taskOf } from './tasks.js';
import { followedFrom, updates, type Followed } from './updates.js';
import { isOver, type StreamResponse, type Task, type TaskState } from './wire.js';

/** How long a spoke may take to take the work on, in milliseconds, where somebody waits for the end anyway. */
const patientMs = 60_000;
const waitMs = 5_000;

/** What a message has begun: the task as it was then, and what to follow. */
interface Begun {
  readonly task: Task;
  readonly followed: Followed;
  /** Whether it is over, or waits for somebody, already. */
  readonly rests: boolean;
}

export async function send(asked: Asked, { message, configuration }: SendIn): Promise<{ task: Task }> {
  const { returnImmediately, historyLength, taskPushNotificationConfig: push } = configuration;
  const begun = await begin(asked, message, push, returnImmediately ? waitMs : patientMs);
  if (!returnImmediately && !begun.rests) await untilRest(begun.followed, asked.signal);
  return { task: await asked.whole(begun.task.id, historyLength) };
}

export async function sendStream(asked: Asked, { message, configuration }: SendIn) {
  const { historyLength, taskPushNotificationConfig: push } = configuration;
  const { task, followed, rests } = await begin(asked, message, push, patientMs);
  const { history = [], ...bare } = task;
  const first = { ...bare, ...(historyLength !== 0 && history.length > 0 && { history }) };
  return { stream: (signal: AbortSignal) => told(first, rests ? undefined : followed, signal) };
}

/** Closes at the end of the task, and when a session waits for its next turn. */
async function* told(task: Task, of: Followed | undefined, signal: AbortSignal): AsyncGenerator<StreamResponse> {
  yield { task };
  if (!of) return;
  for await (const update of updates(of, signal)) {
    yield update;
    if ('statusUpdate' in update && (await isIdle(of, update.statusUpdate.status.state))) return;
  }
}

async function isIdle({ gateway, agentId }: Followed, state: TaskState): Promise<boolean> {
  return state === 'TASK_STATE_INPUT_REQUIRED' && (await gateway.get(agentId)).question === undefined;
}

async function untilRest(of: Followed, signal: AbortSignal): Promise<void> {
  for await (const update of updates(of, signal))
    if ('statusUpdate' in update && rests(update.statusUpdate.status.state)) return;
}

function rests(state: TaskState): boolean {
  return isOver(state) || state === 'TASK_STATE_INPUT_REQUIRED';
}

/** Where nobody could be told, nothing is begun. */
async function begin(asked: Asked, message: MessageIn, push: PushConfigIn | undefined, waitMs: number): Promise<Begun> {
  if (push) asked.notifier.check(push);
  const begun = await take(asked, message, waitMs);
  if (push) await asked.notifier.add(placeOf(begun), push);
  return begun;
}

function placeOf({ task: { id: taskId, contextId, status }, followed: { cursor } }: Begun): PushPlace {
  return { taskId, contextId, cursor, isOver: isOver(status.state) };
}

async function take(asked: Asked, message: MessageIn, waitMs: number): Promise<Begun> {
  const cursor = await asked.gateway.eventsEnd();
  if (message.taskId !== undefined) return turn(asked, message.taskId, message, cursor, waitMs);
  const { spoke, args } = await spawnOf(asked.caller, message, asked.agentType);
  const command = { spoke, args, idempotencyKey: message.messageId, waitMs };
  const spawned = await asked.gateway.spawn(asked.caller, command);
  if ('pending' in spawned) return onItsWay(asked, spawned.pending, cursor);
  const { agent } = spawned;
  const followed = followedFrom(asked.gateway, { agent }, cursor);
  return { task: taskOf(agent), followed, rests: rests(standingOf(agent).state) };
}

/** @throws A2aError for a task that takes no message now */
async function turn(asked: Asked, id: string, message: MessageIn, cursor: string | undefined, waitMs: number) {
  const { gateway, caller } = asked;
  const agent = await asked.find(id);
  refuseTurn(agent, message.contextId);
  const command = { agentId: id, input: await turnOf(message), idempotencyKey: message.messageId, waitMs };
  await gateway.send(caller, command);
  const followed = { gateway, agentId: id, contextId: agent.taskId, cursor };
  const task = { ...taskOf(agent), status: statusOf({ id, contextId: agent.taskId }, working()) };
  return { task, followed, rests: false };
}

const working = () => ({ state: 'TASK_STATE_WORKING' as const, at: new Date().toISOString() });

function refuseTurn(agent: AgentResource, contextId: string | undefined): void {
  if (contextId !== undefined && contextId !== agent.taskId)
    throw new WritError('invalid_request', 'contextId: the task belongs to another context.', { field: 'contextId' });
  if (isTerminal(agent.state))
    throw refusal('UNSUPPORTED_OPERATION', 'invalid_transition', `The task is over: the agent has ${agent.state}.`);
  if (agent.question) {
    const detail = 'The task waits for an answer that only a person of the spoke can give; no message can.';
    throw refusal('UNSUPPORTED_OPERATION', 'invalid_transition', detail);
  }
}

/** The spoke has not answered yet. @throws WritError `timed_out` where not even the agent's id is known */
async function onItsWay(asked: Asked, pending: PendingCommand, cursor: string | undefined): Promise<Begun> {
  const { commandId, agentId, spoke } = pending;
  if (agentId === undefined)
    throw new WritError('timed_out', `${spoke} has not answered command ${commandId} yet; it is on its way.`);
  const seen = await asked.look(agentId);
  const task = taskSeen(seen);
  return { task, followed: followedFrom(asked.gateway, seen, cursor), rests: rests(task.status.state) };
}
