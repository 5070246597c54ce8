// What comes in over A2A 1.0. Members that are not known are passed over, as the protocol wants it; what is used is checked.
// Numbers and booleans may be text: over HTTP+JSON they stand in the query.
import { idempotencyKey, taskId } from '#protocol';
import { z } from 'zod';
import { taskStates } from './wire.js';

const reference = z.string().min(1).max(128);
const metadata = z.record(z.string(), z.unknown());
const historyLength = z.coerce.number().pipe(z.int().min(0)).optional();
/** ProtoJSON leaves an empty string out; some write it. */
const filled = <T extends z.ZodType>(schema: T) => z.preprocess((value) => (value === '' ? undefined : value), schema);

const contents = ['text', 'data', 'raw', 'url'] as const;
const part = z
  .object({
    text: z.string().optional(),
    data: z.unknown().optional(),
    raw: z.string().optional(),
    url: z.string().optional(),
    mediaType: z.string().max(200).optional(),
  })
  .refine((part) => contents.filter((name) => part[name] !== undefined).length === 1, 'must have one of text or data');
export type PartIn = z.output<typeof part>;

const message = z.object({
  messageId: idempotencyKey,
  contextId: filled(taskId.optional()),
  taskId: filled(reference.optional()),
  role: z.union([z.literal('ROLE_USER'), z.literal(1)]),
  parts: z.array(part).min(1).max(100),
  metadata: metadata.optional(),
});
export type MessageIn = z.output<typeof message>;

/** Where somebody wants to be told of a task. */
const pushConfig = z.object({
  id: filled(reference.regex(/^[\x21-\x7e]+$/, 'must be visible ASCII').optional()),
  taskId: filled(reference.optional()),
  url: z.string().min(1).max(2_048),
  token: filled(
    z
      .string()
      .max(1_024)
      .regex(/^[\x21-\x7e]+$/, 'must be visible ASCII')
      .optional(),
  ),
  authentication: z
    .object({
      scheme: z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, 'must be the name of a scheme'),
      credentials: filled(
        z
          .string()
          .max(4_096)
          .regex(/^[\x20-\x7e]+$/, 'must be ASCII')
          .optional(),
      ),
    })
    .optional(),
});
export type PushConfigIn = z.output<typeof pushConfig>;

const configuration = z.object({
  historyLength,
  returnImmediately: z.boolean().default(false),
  taskPushNotificationConfig: pushConfig.optional(),
});

export const sendRequest = z.object({ message, configuration: configuration.prefault({}) });
export type SendIn = z.output<typeof sendRequest>;

export const taskRequest = z.object({ id: reference });
export const getRequest = z.object({ id: reference, historyLength });

const state = z.preprocess(
  (value) => (typeof value === 'string' && /^\d$/.test(value) ? taskStates[Number(value)] : value),
  z.enum(taskStates).transform((state) => (state === 'TASK_STATE_UNSPECIFIED' ? undefined : state)),
);

export const listRequest = z.object({
  contextId: filled(z.string().max(128).optional()),
  status: filled(state.optional()),
  pageSize: z.coerce.number().pipe(z.int().min(1).max(100)).default(50),
  pageToken: filled(z.string().max(512).optional()),
  historyLength,
  statusTimestampAfter: filled(z.iso.datetime({ offset: true }).optional()),
  includeArtifacts: z.union([z.boolean(), z.stringbool()]).default(false),
});
export type ListIn = z.output<typeof listRequest>;

export const pushCreateRequest = pushConfig.extend({ taskId: reference });
export const pushRequest = z.object({ taskId: reference, id: reference });
export const pushListRequest = z.object({ taskId: reference });
