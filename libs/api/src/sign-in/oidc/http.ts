// What is asked of the issuer over HTTP: JSON, bounded in time and bytes, without redirects.
import { z } from 'zod';

const timeoutMs = 10_000;
const bytesMax = 262_144;

/** Why the issuer gave nothing that can be used; for the log, and without what it said. */
export class IssuerFault extends Error {}

interface Asked {
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** @throws IssuerFault */
export async function askIssuer<T>(what: string, url: string, shape: z.ZodType<T>, asked: Asked): Promise<T> {
  const { Agent, request } = await import('undici');
  const agent = new Agent({ maxResponseSize: bytesMax, allowH2: false, connect: { timeout: timeoutMs } });
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const { statusCode, body } = await request(url, { ...asked, dispatcher: agent, signal });
    const text = await body.text();
    if (statusCode !== 200) throw new IssuerFault(`${what}: the issuer answered ${statusCode}.`);
    return shape.parse(JSON.parse(text));
  } catch (cause) {
    throw cause instanceof IssuerFault ? cause : new IssuerFault(`${what}: ${reasonOf(cause)}`, { cause });
  } finally {
    await agent.destroy();
  }
}

function reasonOf(cause: unknown): string {
  if (cause instanceof z.ZodError || cause instanceof SyntaxError) return 'its answer has another shape.';
  const { code, name } = cause as { readonly code?: string; readonly name: string };
  return `it could not be reached (${code ?? name}).`;
}
