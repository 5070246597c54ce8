// The way of a command message from its verified envelope to its answers: times, session, replay, then each command for
// itself. Intake belongs to the peer, so that an answer outlives the link its question came on.
import { checkTimes, commandClaims, lifetimeMaxS, messageKind, skewS } from '#protocol';
import { WritError } from '#protocol';
import type { CommandClaims, CommandEntry, CommandResult, MessageError, OperationKind } from '#protocol';
import type { Connection } from '../connections/connection.js';
import type { Reply } from '../links/link.js';
import { admit } from './admission.js';
import { AnswerSheet } from './answers.js';
import { refusal } from './command.js';
import type { CommandHandler, IncomingCommand, Outcome } from './command.js';
import type { Log } from './log.js';
import type { Opened } from './peer-root.js';
import type { ReplayMemory, Verdict, Write } from './replay.js';

export interface IntakeTargets {
  readonly connection: Connection;
  readonly replay: ReplayMemory;
  readonly standing: 'unknown' | 'current' | 'stale' | 'expired';
  readonly grantVersion: number;
  readonly handler: CommandHandler | undefined;
  readonly now: () => number;
  readonly log: Log;
  /** Commits a replay record, for an effect together with the receipt of its command. */
  recorder(raw: string, kind: OperationKind): Write;
  /** Hands a sheet with answers to the session that is current now. */
  answer(sheet: AnswerSheet): void;
  /** Another message came under a `jti` that was used. */
  reused(connectionId: string, raw: string): void;
}

/** The session that a message came in. */
export interface IntakeSession {
  readonly sn: string | undefined;
  readonly signal: AbortSignal;
  /** Answers a whole message with one word. */
  refuse(opened: Opened, err: MessageError, reply: Reply | undefined, diffS?: number): void;
  /** Sends a sealed answer again. */
  resend(raw: string, reply: Reply | undefined): void;
}

/** Commands that are being handled for one peer; kills do not count. */
const handlingMax = 2_048;
/** Answered messages that are kept for a copy of them. */
const keptMax = 4_096;

export class Intake {
  readonly #sheets = new Map<string, AnswerSheet>();
  #handling = 0;

  constructor(private readonly targets: IntakeTargets) {}

  take(opened: Opened, session: IntakeSession, reply: Reply | undefined): void {
    const parsed = commandClaims.safeParse(opened.payload);
    if (!parsed.success) {
      session.refuse(opened, 'schema', reply);
      return;
    }
    const claims = parsed.data;
    const nowS = Math.floor(this.targets.now() / 1_000);
    const late = checkTimes(claims, nowS, lifetimeMaxS.command);
    if (late) {
      session.refuse(opened, late, reply, nowS - claims.iat);
      return;
    }
    if (claims.sn !== session.sn) {
      session.refuse(opened, 'session', reply);
      return;
    }
    const kind = messageKind(claims.cmds);
    if (kind === 'mixed') {
      session.refuse(opened, 'schema', reply);
      return;
    }
    const known = this.#sheets.get(claims.jti);
    if (known) {
      this.copied(known, opened, session, reply);
      return;
    }
    if (kind === 'query') this.admitQueries(claims, opened, session, reply);
    else void this.admitEffects(claims, kind, opened, session, reply);
  }

  /** Forgets sheets that no valid copy can ask for any more. */
  sweep(): void {
    const now = this.targets.now();
    for (const [jti, sheet] of this.#sheets) if (sheet.done && sheet.untilMs < now) this.#sheets.delete(jti);
  }

  /** The same bytes again: the stored answers, now or when they are there. Anything else under that `jti` is an alarm. */
  private copied(known: AnswerSheet, opened: Opened, session: IntakeSession, reply: Reply | undefined): void {
    if (known.h !== opened.signingInputHash) this.alarm(opened);
    if (known.h !== opened.signingInputHash || known.kind === 'query') {
      session.refuse(opened, 'replay', reply);
      return;
    }
    for (const raw of known.answers) session.resend(raw, reply);
    reply?.end();
  }

  /** Queries are judged and begun in this turn of the event loop. */
  private admitQueries(claims: CommandClaims, opened: Opened, session: IntakeSession, reply: Reply | undefined): void {
    const { connection, replay } = this.targets;
    const { jti, exp, iat } = claims;
    const verdict = replay.recordQueries(connection.id, jti, opened.signingInputHash, exp - iat);
    this.judged(verdict, this.sheet(claims, 'query', opened, reply), claims, opened, session, reply);
  }

  private async admitEffects(
    claims: CommandClaims,
    kind: OperationKind,
    opened: Opened,
    session: IntakeSession,
    reply: Reply | undefined,
  ): Promise<void> {
    const { connection, replay } = this.targets;
    const write = this.targets.recorder(opened.raw, kind);
    const { jti, exp, iat } = claims;
    const h = opened.signingInputHash;
    const sheet = this.sheet(claims, kind, opened, reply);
    this.#sheets.set(jti, sheet);
    try {
      const verdict = await replay.record(connection.id, jti, { h, kind }, exp - iat, write);
      this.judged(verdict, sheet, claims, opened, session, reply);
    } catch (error) {
      this.targets.log('A command could not be recorded.', error);
      this.denyAll(
        sheet,
        claims.cmds,
        new WritError('store_unavailable', 'The command was not taken: it cannot be recorded.'),
      );
    }
  }

  private sheet(
    { jti, exp, iat, cmds }: CommandClaims,
    kind: OperationKind,
    { raw, signingInputHash: h }: Opened,
    reply: Reply | undefined,
  ): AnswerSheet {
    const untilMs = this.targets.now() + (exp - iat + 2 * skewS) * 1_000;
    return new AnswerSheet(raw, jti, h, kind, untilMs, cmds.length, reply);
  }

  private judged(
    verdict: Verdict,
    sheet: AnswerSheet,
    claims: CommandClaims,
    opened: Opened,
    session: IntakeSession,
    reply: Reply | undefined,
  ): void {
    if (verdict.is === 'new') {
      this.begin(sheet, claims, opened, session);
      return;
    }
    if (verdict.is === 'full') {
      this.denyAll(sheet, claims.cmds, new WritError('rate_limited', 'Too many messages.'));
      return;
    }
    this.#sheets.delete(sheet.jti);
    if (verdict.is === 'fenced') {
      session.refuse(opened, 'session', reply);
      return;
    }
    if (verdict.before.h !== sheet.h) this.alarm(opened);
    const lost = verdict.before.h === sheet.h && sheet.kind !== 'query';
    session.refuse(opened, lost ? 'unknown_outcome' : 'replay', reply);
  }

  private begin(sheet: AnswerSheet, { cmds }: CommandClaims, opened: Opened, { signal }: IntakeSession): void {
    for (const entry of cmds) this.handle(sheet, entry, opened, signal);
  }

  private handle(sheet: AnswerSheet, entry: CommandEntry, opened: Opened, signal: AbortSignal): void {
    const outcome = this.outcomeOf(sheet, entry, opened, signal);
    if (!(outcome instanceof Promise)) {
      this.answer(sheet, entry.id, outcome);
      return;
    }
    this.#handling += 1;
    void outcome.then((late) => {
      this.#handling -= 1;
      this.answer(sheet, entry.id, late);
    });
  }

  private outcomeOf(
    sheet: AnswerSheet,
    entry: CommandEntry,
    opened: Opened,
    signal: AbortSignal,
  ): Outcome | Promise<Outcome> {
    const { connection, handler, standing } = this.targets;
    try {
      const { kind, args } = admit(entry, connection, standing, opened.payloadBytes);
      if (kind !== 'kill' && this.#handling >= handlingMax) throw busy();
      if (!handler) throw new WritError('operation_unknown', 'This instance takes no commands.');
      return handler(this.command(entry, kind, args, sheet, signal));
    } catch (error) {
      return refusal(error);
    }
  }

  private command(
    { id, op, idk, gv, trace }: CommandEntry,
    kind: OperationKind,
    args: Record<string, unknown>,
    { raw, jti, h }: AnswerSheet,
    signal: AbortSignal,
  ): IncomingCommand {
    const { id: connectionId, peer } = this.targets.connection;
    return { connectionId, peerId: peer.id, id, op, kind, args, idk, gv, trace, raw, jti, h, signal };
  }

  private answer(sheet: AnswerSheet, id: string, outcome: Outcome): void {
    sheet.add(this.result(id, outcome));
    this.targets.answer(sheet);
    if (this.#sheets.size > keptMax) this.forgetOldest();
  }

  private result(id: string, { st, gv = this.targets.grantVersion, body }: Outcome): CommandResult {
    if (st === 'ok') return { id, st, gv, body: body };
    return { id, st, code: body.code, gv, body };
  }

  private denyAll(sheet: AnswerSheet, cmds: readonly CommandEntry[], error: WritError): void {
    for (const { id } of cmds) this.answer(sheet, id, refusal(error));
  }

  /** The store still knows that they were seen. */
  private forgetOldest(): void {
    for (const [jti, sheet] of this.#sheets) {
      if (this.#sheets.size <= keptMax) return;
      if (sheet.done) this.#sheets.delete(jti);
    }
  }

  private alarm({ raw }: Opened): void {
    this.targets.reused(this.targets.connection.id, raw);
  }
}

function busy(): WritError {
  return new WritError('rate_limited', `${handlingMax} commands are being handled.`, { retryAfterMs: 1_000 });
}
