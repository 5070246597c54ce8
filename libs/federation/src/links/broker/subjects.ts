// The subjects of broker links, as docs/protocol.md has them. Whoever listens, listens to subjects of its own, without wildcards.
import { nonce128 } from '#protocol';

const base = 'writ.v1';

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

/** Whether it is a subject that `make` makes: what others name is published to only then. */
export function isEnd(subject: string, make: (end: string) => string): boolean {
  const end = subject.slice(subject.lastIndexOf('.') + 1);
  return nonce128.safeParse(end).success && subject === make(end);
}
