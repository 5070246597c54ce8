// The federation as a Nest transport, serving side. It takes peers rather than an address, so that a spoke that dials out
// still serves; `@MessagePattern('agent.spawn')` is all that a controller needs.
import { SpanKind } from '@opentelemetry/api';
import type { CustomTransportStrategy } from '@nestjs/microservices';
import { RpcException, Server } from '@nestjs/microservices';
import type { MessageHandler } from '@nestjs/microservices';
import { fromEvent, isObservable, lastValueFrom, takeUntil } from 'rxjs';
import type { Observable, Subscription } from 'rxjs';
import { WritError, type ErrorCode } from '#protocol';
import { contextFrom, traced } from '#tracing';
import { refusal } from '../session/command.js';
import type { CommandHandler, IncomingCommand, Outcome } from '../session/command.js';
import { WritContext } from './context.js';

/** Whoever brings commands. */
export interface Served {
  serve(handler: CommandHandler | undefined): void;
}

/** The link ends in a moment: whoever asked asks again, here after a restart or another process of this instance. A refusal would be final. */
const unanswered: CommandHandler = () => new Promise(() => undefined);

export class WritServer extends Server implements CustomTransportStrategy {
  override readonly transportId = Symbol('writ');
  readonly #found = new Map<string, MessageHandler | null>();
  readonly #served = new Set<Served>();
  #subscription: Subscription | undefined;
  #hooked = false;

  constructor(
    private readonly peers: Observable<Served>,
    /** Told of every command that is refused. */
    private readonly refused: (code: ErrorCode) => void = () => undefined,
  ) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    this.#subscription = this.peers.subscribe((peer) => {
      this.#served.add(peer);
      peer.serve(this.handle);
    });
    callback();
  }

  close(): void {
    this.#subscription?.unsubscribe();
    for (const peer of this.#served) peer.serve(unanswered);
    this.#served.clear();
  }

  /** There are no events of this transport to listen to: peers have their own. */
  on(): void {
    return undefined;
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- as Nest declares it
  unwrap<T>(): T {
    return this.peers as T;
  }

  override setOnProcessingStartHook(hook: Parameters<Server['setOnProcessingStartHook']>[0]): void {
    this.#hooked = true;
    super.setOnProcessingStartHook(hook);
  }

  private readonly handle: CommandHandler = (command) => {
    const handler = this.found(command.op);
    if (!handler) return this.refuse(new WritError('operation_unknown', `Nothing here serves ${command.op}.`));
    return this.#hooked ? this.runHooked(handler, command) : this.run(handler, new WritContext(command));
  };

  /** What the handler does is part of the trace that the command names; a question that names none has no span. */
  private run(handler: MessageHandler, context: WritContext): Promise<Outcome> {
    const { op, kind, trace, connectionId, jti } = context.command;
    if (kind === 'query' && trace === undefined) return this.ran(handler, context);
    const attributes = { 'writ.op': op, 'writ.connection.id': connectionId, 'writ.message.id': jti };
    return traced(`serve ${op}`, { kind: SpanKind.SERVER, within: contextFrom(trace), attributes }, async (span) => {
      const outcome = await this.ran(handler, context);
      span.setAttribute('writ.outcome', outcome.st === 'ok' ? 'ok' : outcome.body.code);
      return outcome;
    });
  }

  /** Nest parses the pattern at every look-up; the handlers do not change any more. */
  private found(op: string): MessageHandler | null {
    const known = this.#found.get(op);
    if (known !== undefined) return known;
    const handler = this.getHandlerByPattern(op);
    this.#found.set(op, handler);
    return handler;
  }

  private runHooked(handler: MessageHandler, command: IncomingCommand): Promise<Outcome> {
    const context = new WritContext(command);
    return new Promise((resolve) => {
      this.onProcessingStartHook(this.transportId, context, async () => {
        resolve(await this.run(handler, context));
        // Absent unless somebody set it, whatever the type says.
        (this.onProcessingEndHook as typeof this.onProcessingEndHook | undefined)?.(this.transportId, context);
      });
    });
  }

  private async ran(handler: MessageHandler, context: WritContext): Promise<Outcome> {
    try {
      const returned: unknown = await handler(context.command.args, context);
      const body = isObservable(returned) ? await this.last(returned, context) : returned;
      if (typeof body !== 'object' || body === null)
        throw new Error(`The handler of ${context.op} returned no object.`);
      return { st: 'ok', gv: context.grantVersion, body: body as Record<string, unknown> };
    } catch (error) {
      return this.refuse(this.known(error), context.grantVersion);
    }
  }

  private refuse(error: WritError, grantVersion?: number): Outcome {
    this.refused(error.code);
    return refusal(error, grantVersion);
  }

  /** An observable answers with its last value; it is unsubscribed when nobody waits any more. */
  private last(values: Observable<unknown>, { signal }: WritContext): Promise<unknown> {
    return lastValueFrom(this.transformToObservable(values).pipe(takeUntil(fromEvent(signal, 'abort'))));
  }

  private known(error: unknown): WritError {
    if (error instanceof WritError) return error;
    if (error instanceof RpcException) return new WritError('grant_denied', 'A guard refused it.', { cause: error });
    this.logger.error(error);
    return new WritError('internal', 'The command could not be carried out.', { cause: error });
  }
}
