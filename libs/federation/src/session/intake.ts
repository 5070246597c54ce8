// The way of a command message from its verified envelope to its answers: times, session, replay, then each command for
// itself. Intake belongs to the peer, so that an answer outlives the link its question came on.
import { z } from 'zod';
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
import type { PeerRecords } from './peer-records.js';
import type { Opened } from './peer-root.js';
import type { ReplayMemory, Verdict } from './replay.js';

export interface IntakeTargets {
  readonly connection: Connection;
  readonly replay: ReplayMemory;
  readonly standing: 'unknown' | 'current' | 'stale' | 'expired';
  readonly grantVersion: number;
  readonly handler: CommandHandler | undefined;
  readonly now: () => number;
  readonly log: Log;
  readonly records: Pick<PeerRecords, 'recorder' | 'reused'>;
  /** Hands a sheet with answers to the session that is current now. */
  answer(sheet: AnswerSheet): void;
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

interface Checked {
  readonly claims: CommandClaims;
  readonly kind: OperationKind;
}

/** A message on its way through here. */
interface Taking extends Checked {
  readonly opened: Opened;
  readonly session: IntakeSession;
  readonly reply: Reply | undefined;
}

const compiledCommands = z.compile(commandClaims);
/** Commands that are being handled for one peer; kills do not count. */
const handlingMax = 2_048;
/** Answered messages that are kept for a copy of them. */
const keptMax = 4_096;

export class Intake {
  readonly #sheets = new Map<string, AnswerSheet>();
  #handling = 0;

  constructor(private readonly targets: IntakeTargets) {}

  take(opened: Opened, session: IntakeSession, reply: Reply | undefined): void {
    const checked = this.checked(opened, session);
    if ('err' in checked) {
      session.refuse(opened, checked.err, reply, checked.diffS);
      return;
    }
    const taking: Taking = { ...checked, opened, session, reply };
    const known = this.#sheets.get(checked.claims.jti);
    if (known) this.copied(known, taking);
    else if (checked.kind === 'query') this.takeQueries(taking);
    else void this.takeEffects(taking);
  }

  /** Forgets sheets that no valid copy can ask for any more. */
  sweep(): void {
    const now = this.targets.now();
    for (const [jti, sheet] of this.#sheets) if (sheet.done && sheet.untilMs < now) this.#sheets.delete(jti);
  }

  /** Shape, times, session, and that all commands are alike. */
  private checked({ payload }: Opened, session: IntakeSession): Checked | { err: MessageError; diffS?: number } {
    const parsed = compiledCommands.safeParse(payload);
    if (!parsed.success) return { err: 'schema' };
    const claims = parsed.data;
    const nowS = Math.floor(this.targets.now() / 1_000);
    const err = checkTimes(claims, nowS, lifetimeMaxS.command);
    if (err) return { err, diffS: nowS - claims.iat };
    if (claims.sn !== session.sn) return { err: 'session' };
    const kind = messageKind(claims.cmds);
    return kind === 'mixed' ? { err: 'schema' } : { claims, kind };
  }

  /** The same bytes again: the stored answers, now or when they are there. Anything else under that `jti` is an alarm. */
  private copied(known: AnswerSheet, { opened, session, reply }: Taking): void {
    if (known.h === opened.signingInputHash) {
      for (const raw of known.answers) session.resend(raw, reply);
      reply?.end();
    } else {
      this.alarm(opened);
      session.refuse(opened, 'replay', reply);
    }
  }

  /** Judged and begun in this turn of the event loop. */
  private takeQueries(taking: Taking): void {
    const { claims, kind, opened, reply } = taking;
    const { connection, replay } = this.targets;
    const { jti, exp, iat, cmds } = claims;
    const h = opened.signingInputHash;
    const verdict = replay.recordQueries(connection.id, jti, h, exp - iat);
    this.judged(verdict, new AnswerSheet(opened.raw, jti, h, kind, 0, cmds.length, reply), taking);
  }

  private async takeEffects(taking: Taking): Promise<void> {
    const { claims, kind, opened, reply } = taking;
    const { connection, replay, records, now } = this.targets;
    const { jti, exp, iat, cmds } = claims;
    const h = opened.signingInputHash;
    const sheet = new AnswerSheet(
      opened.raw,
      jti,
      h,
      kind,
      now() + (exp - iat + 2 * skewS) * 1_000,
      cmds.length,
      reply,
    );
    this.#sheets.set(jti, sheet);
    try {
      const verdict = await replay.record(connection.id, jti, { h, kind }, exp - iat, records.recorder(opened.raw));
      if (verdict.is !== 'new') this.#sheets.delete(jti);
      this.judged(verdict, sheet, taking);
    } catch (error) {
      this.targets.log('A command could not be recorded.', error);
      this.denyAll(sheet, cmds, new WritError('store_unavailable', 'It was not taken: it cannot be recorded.'));
    }
  }

  private judged(verdict: Verdict, sheet: AnswerSheet, { claims, kind, opened, session, reply }: Taking): void {
    if (verdict.is === 'new') for (const entry of claims.cmds) this.handle(sheet, entry, opened, session.signal);
    else if (verdict.is === 'full') this.denyAll(sheet, claims.cmds, busy());
    else if (verdict.is === 'fenced') session.refuse(opened, 'session', reply);
    else {
      const same = verdict.before.h === sheet.h;
      if (!same) this.alarm(opened);
      session.refuse(opened, same && kind !== 'query' ? 'unknown_outcome' : 'replay', reply);
    }
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
    this.targets.records.reused(raw);
  }
}

function busy(): WritError {
  return new WritError('rate_limited', 'Too many commands at once.', { retryAfterMs: 1_000 });
}
