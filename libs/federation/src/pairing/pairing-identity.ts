// What pairing needs of the instance around it.
import type { KeyStatement, SigningKey } from '#protocol';

/** An `Identity`: its root signs pairing messages, its current statement travels in them. */
export interface PairingIdentity {
  /** The thumbprint of the root. */
  readonly id: string;
  /** @throws WritError `key_invalid` when it is kept elsewhere: then nobody can be paired with. */
  readonly root: SigningKey;
  readonly statement: Pick<KeyStatement, 'token'>;
}

/** Where pairing says what an operator should later find in the log. Fields never hold secrets. A pino logger fits. */
export interface PairingLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}
