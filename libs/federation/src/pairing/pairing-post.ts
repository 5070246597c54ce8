// The one HTTP request of pairing: through the address policy, to https (or loopback), without redirects, bounded.
import type { Agent } from 'undici';
import { messageBytesMax, WritError } from '#protocol';
import type { AddressPolicy } from '../links/address-policy.js';

export const pairingPath = '/writ/v1/pair';

/** Sends a pairing request to a hub; null is its refusal. */
export type PairingPost = (hubUrl: string, message: string, signal?: AbortSignal) => Promise<string | null>;

const timeoutMs = 15_000;

/** @throws WritError `invalid_request` for a URL that may not be dialled, `peer_unavailable` when no answer came. */
export function pairingPost(policy: AddressPolicy, ca?: string): PairingPost {
  return async (hubUrl, message, signal) => {
    const url = policy.check(hubUrl);
    url.pathname = url.pathname.replace(/\/*$/, pairingPath);
    const times = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs, maxResponseSize: messageBytesMax };
    const { Agent } = await import('undici');
    const agent = new Agent({
      ...times,
      allowH2: false,
      connect: { lookup: policy.lookupFor(url), ca, timeout: timeoutMs },
    });
    try {
      return await exchange(agent, url, message, signal);
    } finally {
      await agent.destroy();
    }
  };
}

async function exchange(dispatcher: Agent, url: URL, body: string, signal?: AbortSignal): Promise<string | null> {
  try {
    const { request } = await import('undici');
    const headers = { 'content-type': 'application/jose' };
    const response = await request(url, { method: 'POST', headers, body, dispatcher, signal });
    const text = await response.body.text();
    if (response.statusCode === 200) return text;
    if (response.statusCode === 400) return null;
    throw new WritError('peer_unavailable', `The hub answered with HTTP ${response.statusCode}.`);
  } catch (cause) {
    if (cause instanceof WritError) throw cause;
    throw new WritError('peer_unavailable', 'The hub could not be reached; the same invite can be tried again.', {
      cause,
    });
  }
}
