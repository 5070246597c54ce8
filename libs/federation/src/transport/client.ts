// The federation as a Nest transport, asking side: a `ClientProxy` to one peer.
import { ClientProxy } from '@nestjs/microservices';
import type { ReadPacket, WritePacket } from '@nestjs/microservices';
import { WritError } from '#protocol';
import type { OperationName } from '#protocol';
import { traceparent } from '#tracing';
import { Withdrawal } from '../session/request.js';
import type { Answer, RequestOptions } from '../session/request.js';

/** Whoever can be asked. */
export interface Asked {
  request(op: OperationName, args: Record<string, unknown>, options?: RequestOptions): Promise<Answer>;
}

/** Arguments with what Nest's `send` has no place for: idempotency key, time-out. */
export class WritRecord {
  constructor(
    readonly args: Record<string, unknown>,
    readonly options: RequestOptions,
  ) {}
}

/**
 * `send(op, args)` or `send(op, new WritRecord(args, { idk }))` yields the body of the answer, or errors with a `WritError`;
 * unsubscribing stops waiting for it. There are no events in this direction.
 */
export class WritClient extends ClientProxy {
  constructor(private readonly peer: Asked) {
    super();
  }

  /** Requests wait for the link themselves. */
  connect(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    return undefined;
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as Nest declares it
  unwrap<T>(): T {
    return this.peer as T;
  }

  protected publish(packet: ReadPacket<unknown>, callback: (packet: WritePacket) => void): () => void {
    const withdrawal = new Withdrawal();
    const { args, options } = recordOf(packet.data);
    this.peer.request(packet.pattern as OperationName, args, { trace: traceparent(), ...options, withdrawal }).then(
      (said) => callback(packetOf(said)),
      (err: unknown) => callback({ err, isDisposed: true }),
    );
    return () => withdrawal.withdraw();
  }

  protected dispatchEvent<T>(packet: ReadPacket): Promise<T> {
    return Promise.reject(new WritError('operation_unknown', `${String(packet.pattern)} cannot be sent as an event.`));
  }
}

function recordOf(data: unknown): WritRecord {
  return data instanceof WritRecord ? data : new WritRecord(data as Record<string, unknown>, {});
}

function packetOf(answer: Answer): WritePacket {
  if (answer.st === 'ok') return { response: answer.body, isDisposed: true };
  const { code, detail, field, retryAfterMs } = answer.body;
  return { err: new WritError(code, detail, { field, retryAfterMs }), isDisposed: true };
}
