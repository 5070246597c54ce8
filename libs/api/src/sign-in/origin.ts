// Whose page asks. A browser sends our cookie for every page that makes it ask us, so a cookie counts only with the browser's own
// word that the page is ours: `Sec-Fetch-Site` (W3C Fetch Metadata), or `Origin` where that is not sent (plain HTTP beyond loopback).
import { WritError } from '#protocol';
import type { FastifyRequest } from 'fastify';

type Asked = Pick<FastifyRequest, 'method' | 'headers'>;

/** Whether the method only reads (RFC 9110, 9.2.1). */
export function isSafe({ method }: Asked): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

/** @throws WritError `cross_site` for another site's page, and for a change of which nobody says whose page it is. */
export function refuseOtherSites(asked: Asked): void {
  const { 'sec-fetch-site': site, origin, host } = asked.headers;
  if (site === 'same-origin') return;
  if (site === undefined && origin !== undefined && hostOf(origin) === host) return;
  // An address that a person typed, or a program without a word on itself: it may look.
  if (isSafe(asked) && origin === undefined && (site === undefined || site === 'none')) return;
  throw new WritError('cross_site', 'The page that asked is not one of this instance, or the browser does not say so.');
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
