// What pairing needs of the instance around it.
import type { KeyStatement, SigningKey } from '#protocol';

/** An `Identity`: its root signs pairing messages, its current statement travels in them. */
export interface PairingIdentity {
  readonly root: SigningKey;
  readonly statement: Pick<KeyStatement, 'token'>;
}

/** Where pairing says what an operator should later find in the log. Fields never hold secrets. A pino logger fits. */
export interface PairingLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}
