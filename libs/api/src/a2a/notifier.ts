// The port of push notifications: who wants to be told of which task. Kept and sent by the app; this face knows no store.
import type { PushConfigIn } from './requests.js';

/** As it is shown: credentials and tokens stay here. */
export interface PushConfig {
  readonly id: string;
  readonly taskId: string;
  readonly url: string;
  readonly authentication?: { readonly scheme: string };
}

/** Which task, and the place in the events of this instance from which on somebody wants to be told. */
export interface PushPlace {
  readonly taskId: string;
  readonly contextId: string;
  readonly cursor: string | undefined;
  readonly isOver: boolean;
}

export abstract class Notifier {
  /** @throws WritError `invalid_request` for an address that may not be dialled */
  abstract check(config: PushConfigIn): void;
  /** Takes the place of one with the same id. @throws as `check`, and WritError `rate_limited` beyond what one task may have */
  abstract add(place: PushPlace, config: PushConfigIn): Promise<PushConfig>;
  /** @throws WritError `not_found` */
  abstract get(taskId: string, id: string): Promise<PushConfig>;
  abstract list(taskId: string): Promise<readonly PushConfig[]>;
  /** Idempotent. */
  abstract remove(taskId: string, id: string): Promise<void>;
}
