// The subjects of broker links, as docs/protocol.md has them. Whoever listens, listens to subjects of its own, without wildcards.
import { nonce128 } from '#protocol';

const base = 'writ.v1';

/** Where a hub takes pairing requests. */
export function pairSubject(hub: string): string {
  return `${base}.hub.${hub}.pair`;
}

/** Where a hub is asked for a link of that connection. */
export function openSubject(hub: string, con: string): string {
  return `${base}.hub.${hub}.${con}.open`;
}

/** The hub's end of a link. */
export function hubEnd(hub: string, con: string, end: string): string {
  return `${base}.hub.${hub}.${con}.${end}`;
}

/** The spoke's end of a link. */
export function spokeEnd(spoke: string, con: string, end: string): string {
  return `${base}.spoke.${spoke}.${con}.${end}`;
}

/** Where a spoke waits for the answer to its pairing request. */
export function pairEnd(spoke: string, end: string): string {
  return `${base}.spoke.${spoke}.pair.${end}`;
}

/** Whether it is a subject that `make` makes: what others name is published to only then. */
export function isEnd(subject: string, make: (end: string) => string): boolean {
  const end = subject.slice(subject.lastIndexOf('.') + 1);
  return nonce128.safeParse(end).success && subject === make(end);
}

/** Whether some spoke waits there for the answer to a pairing request. */
export function isPairEnd(subject: string): boolean {
  return /^writ\.v1\.spoke\.[A-Za-z0-9_-]{43}\.pair\.[A-Za-z0-9_-]{22}$/.test(subject);
}
