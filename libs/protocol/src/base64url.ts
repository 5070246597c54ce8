// Base64url as the protocol means it (RFC 4648 section 5): no padding, no stray bits, so that one value has one spelling.

const alphabet = /^[A-Za-z0-9_-]*$/;
/** What the last character may be after whole groups of four and so many more: its bits beyond the last byte are zero. */
const lastOf: Readonly<Record<number, string>> = { 2: 'AQgw', 3: 'AEIMQUYcgkosw048' };

/** The one spelling of these bytes; a string counts as UTF-8. */
export function encodeBase64url(bytes: Uint8Array | string): string {
  return Buffer.from(bytes as Uint8Array).toString('base64url');
}

/** The bytes, or undefined for every other spelling of them: padding, stray bits, `+` and `/`, white space. */
export function decodeBase64url(text: string): Buffer | undefined {
  return alphabet.test(text) ? decodeAlphabetic(text) : undefined;
}

/** As `decodeBase64url`, for a text that is known to have no other characters. */
export function decodeAlphabetic(text: string): Buffer | undefined {
  const rest = text.length % 4;
  if (rest === 1 || (rest !== 0 && !lastOf[rest]?.includes(text.at(-1) ?? ''))) return undefined;
  return Buffer.from(text, 'base64url');
}
