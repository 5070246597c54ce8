// A signed message taken apart for reading. Nothing is verified here: that is for the instance, or better, for `writ audit verify`.

export interface Decoded {
  readonly header: unknown;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly signature: string;
}

function part(text: string): unknown {
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
}

/** Of a compact JWS (RFC 7515, 7.1); undefined for what is none. */
export function decoded(raw: string): Decoded | undefined {
  const [header, claims, signature] = raw.split('.');
  try {
    if (header === undefined || claims === undefined || signature === undefined) return undefined;
    const read = part(claims);
    if (typeof read !== 'object' || read === null) return undefined;
    return { header: part(header), claims: read as Record<string, unknown>, signature };
  } catch {
    return undefined;
  }
}

const listed = (value: unknown) => (Array.isArray(value) ? (value as readonly unknown[]) : []);
const member = (value: unknown, name: string) =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;

/** What a message is about, as far as it says so itself: its operations, how they ended, how far it goes. */
export function gist({ claims }: Decoded): string {
  const { cmds, results, err, events, n, seq } = claims;
  const said = [
    ...listed(cmds).map((one) => member(one, 'op')),
    ...listed(results).map((one) => member(one, 'code') ?? member(one, 'st')),
    err,
    Array.isArray(events) ? `${events.length} of its events` : typeof seq === 'number' && `through event ${seq}`,
    typeof n === 'number' && `through row ${n}`,
  ];
  return said.filter((one) => typeof one === 'string').join(', ');
}
